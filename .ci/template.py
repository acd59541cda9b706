"""What SAM makes of template.yaml, on standard output, and whether it is what the README promises.

Linters see a template before its translation, and miss there what only the translated one shows: a function URL's
permissions, an invoke mode or an action that does not exist.
"""

import json
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


def promised(template, resources):
    url = one(resources, "AWS::Lambda::Url")
    assert url["InvokeMode"] == "RESPONSE_STREAM", url
    assert url["AuthType"] == "NONE", url

    permissions = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Lambda::Permission"]
    by_action = {p["Action"]: p for p in permissions}
    assert set(by_action) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}, by_action
    assert by_action["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert by_action["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True

    function = one(resources, "AWS::Lambda::Function")
    reserved = function["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["ReservesConcurrency", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert template["Parameters"]["ReservedConcurrency"]["Default"] == -1
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
    for name in ("AlarmEmail", "MoreModels", "RolesToAssume", "Guardrails"):
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
    tried = policy.check(source, "config")
    print(f"the policy allows {tried} resources of the shipped deployments, and nothing beside", file=sys.stderr)
    json.dump(result, sys.stdout, indent=1)
