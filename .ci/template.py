"""What SAM makes of template.yaml, on standard output, and whether it is what the README promises.

Linters see a template before its translation, and miss there what only the translated one shows: a function URL's
permissions, an invoke mode or an action that does not exist.
"""

import json
import pathlib
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

import policy


class NoManagedPolicies:
    """Names of managed policies would be asked of IAM."""

    def load(self):
        return {}


def translated(path):
    with open(path) as file:
        template = yaml_parse(file)
    # What `sam build` would put there.
    template["Resources"]["Gateway"]["Properties"]["CodeUri"] = "s3://bucket/key"
    return template, transform(template, {}, NoManagedPolicies())


def one(resources, kind):
    found = [r["Properties"] for r in resources.values() if r["Type"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def when(resources, condition):
    """The resources of a condition, by logical id."""
    return {name: r for name, r in resources.items() if r.get("Condition") == condition}


def front_doors(template, resources):
    doors = template["Parameters"]["FrontDoor"]
    assert doors["Default"] == "url" and set(doors["AllowedValues"]) == {"url", "api", "private"}

    # As SAM named them when it made them: an existing stack keeps its address.
    by_url = when(resources, "HasUrl")
    assert {name: r["Type"] for name, r in by_url.items()} == {
        "GatewayUrl": "AWS::Lambda::Url",
        "GatewayUrlPublicPermissions": "AWS::Lambda::Permission",
        "GatewayURLInvokeAllowPublicAccess": "AWS::Lambda::Permission",
    }, by_url
    url = by_url["GatewayUrl"]["Properties"]
    assert url["InvokeMode"] == "RESPONSE_STREAM" and url["AuthType"] == "NONE", url
    call, invoke = (by_url[name]["Properties"] for name in list(by_url)[1:])
    assert call["Action"] == "lambda:InvokeFunctionUrl" and call["FunctionUrlAuthType"] == "NONE", call
    assert invoke["Action"] == "lambda:InvokeFunction" and invoke["InvokedViaFunctionUrl"] is True, invoke

    api = one(resources, "AWS::ApiGateway::RestApi")
    assert api["EndpointConfiguration"]["Types"] == [{"Fn::If": ["IsPrivate", "PRIVATE", "REGIONAL"]}], api
    # Whoever is not in the endpoint's network is refused by the policy, which a private API must have.
    private, public = api["Policy"]["Fn::If"][1:]
    [statement] = private["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceVpce": {"Ref": "VpcEndpointId"}}}, statement
    assert public == {"Ref": "AWS::NoValue"}, public
    assert set(api["Body"]["paths"]) == {"/", "/{proxy+}"}
    for path, methods in api["Body"]["paths"].items():
        integration = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        assert integration["responseTransferMode"] == "STREAM" and integration["timeoutInMillis"] == 900_000, path
        assert integration["uri"]["Fn::Sub"].endswith("/response-streaming-invocations"), path
    permission = when(resources, "HasApi")["ApiMayInvoke"]["Properties"]
    assert permission["Principal"] == "apigateway.amazonaws.com" and "${Api}/*" in permission["SourceArn"]["Fn::Sub"], permission
    settings = one(resources, "AWS::ApiGateway::Stage")["MethodSettings"][0]
    assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}, settings
    assert one(resources, "AWS::DynamoDB::Table")["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    variables = one(resources, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"] == "true", variables


def kept(old, resources):
    """Whether the stacks of an earlier template keep what must not be made anew: by logical id, with the same kind."""
    for name, resource in old.items():
        there = resources.get(name)
        assert there is not None, f"{name} ({resource['Type']}) is gone: an upgrade would delete it"
        assert there["Type"] == resource["Type"], f"{name} was {resource['Type']} and is {there['Type']}"
    table, was = resources["Table"], old["Table"]
    for fixed in ("KeySchema", "TableName"):
        assert table["Properties"].get(fixed) == was["Properties"].get(fixed), f"{fixed}: the table would be another one"


def promised(template, resources):
    front_doors(template, resources)

    function = one(resources, "AWS::Lambda::Function")
    reserved = function["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["ReservesConcurrency", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert template["Parameters"]["ReservedConcurrency"]["Default"] == -1
    assert template["Parameters"]["WebSearch"]["Default"] == "off"
    assert template["Parameters"]["TimeoutSeconds"]["Default"] == 900
    assert function["Architectures"] == ["arm64"] and function["Runtime"] == "provided.al2023"

    key = template["Parameters"]["MasterKeySha256"]
    assert "Default" not in key and key["AllowedPattern"] == "^[0-9a-f]{64}$"
    variables = function["Environment"]["Variables"]
    assert "LITELLM_MASTER_KEY" not in variables and variables["MASTER_KEY_SHA256"] == {"Ref": "MasterKeySha256"}

    granted = one(resources, "AWS::IAM::Role")["Policies"][0]["PolicyDocument"]
    [written] = template["Resources"]["Gateway"]["Properties"]["Policies"]
    assert granted["Statement"] == written["Statement"], "SAM adds to the policy"

    # What runs without anybody's answer reserves nothing, tells nobody and costs nothing by itself.
    optional = ("AlarmEmail", "AlertEventBus", "MoreModels", "RolesToAssume", "Guardrails", "DomainName", "WebAclArn")
    for name in optional:
        assert template["Parameters"][name]["Default"] == "", name

    body = one(resources, "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    drawn = {m[1] for w in widgets for m in w["properties"]["metrics"] if m[0] in ("bedrock-sidecar", ".") and len(m) > 1}
    alarms = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {a["MetricName"] for a in alarms if a["Namespace"] == "bedrock-sidecar"}
    assert watched <= drawn, f"alarms on metrics that the dashboard does not draw: {watched - drawn}"


if __name__ == "__main__":
    source, result = translated(sys.argv[1])
    promised(source, result["Resources"])
    _, old = translated(pathlib.Path(__file__).parent / "template-0.1.yaml")
    kept(old["Resources"], result["Resources"])
    tried = policy.check(source, "config")
    print(f"the policy allows {tried} resources of the shipped deployments, and nothing beside", file=sys.stderr)
    json.dump(result, sys.stdout, indent=1)
