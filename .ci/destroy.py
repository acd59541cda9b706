"""Deletes a stage's stack, and with --with-table its table too: python .ci/destroy.py STACK STAGE [--with-table]. Asks before."""

import pathlib
import subprocess
import sys

import boto3
import tomlkit


def region(stage):
    """Where the stage was deployed, as it was answered; None: where the AWS CLI goes."""
    answers = pathlib.Path("samconfig.local.toml")
    if not answers.exists():
        return None
    of_stage = tomlkit.parse(answers.read_text()).get("default" if stage == "prod" else stage, {})
    return of_stage.get("global", {}).get("parameters", {}).get("region")


def main(stack, stage, with_table):
    place = region(stage)
    resource = boto3.client("cloudformation", region_name=place).describe_stack_resource(StackName=stack, LogicalResourceId="Table")
    table = resource["StackResourceDetail"]["PhysicalResourceId"]
    kept = "and everything in it: records, keys, budgets" if with_table else "stays, with everything in it"
    print(f"The stack {stack} is deleted. Its table {table} {kept}.")
    if input("Type the stack's name to go on: ").strip() != stack:
        sys.exit("nothing was deleted")
    in_place = ["--region", place] if place else []
    subprocess.run(["sam", "delete", "--stack-name", stack, "--no-prompts", *in_place], check=True)
    if with_table:
        boto3.client("dynamodb", region_name=place).delete_table(TableName=table)
    else:
        print(f"The table is still there: {table}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:] == ["--with-table"])
