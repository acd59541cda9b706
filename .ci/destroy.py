"""Deletes a stack, and with --with-table its table too: python .ci/destroy.py STACK [--with-table]. Asks before."""

import subprocess
import sys

import boto3


def main(stack, with_table):
    resource = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Table")
    table = resource["StackResourceDetail"]["PhysicalResourceId"]
    kept = "and everything in it: records, keys, budgets" if with_table else "stays, with everything in it"
    print(f"The stack {stack} is deleted. Its table {table} {kept}.")
    if input("Type the stack's name to go on: ").strip() != stack:
        sys.exit("nothing was deleted")
    subprocess.run(["sam", "delete", "--stack-name", stack, "--no-prompts"], check=True)
    if with_table:
        boto3.client("dynamodb").delete_table(TableName=table)
    else:
        print(f"The table is still there: {table}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["--with-table"])
