"""Whether the function's policy allows what the shipped configurations need, and nothing else.

Every shipped deployment is tried in every region that Bedrock may send its request on to: the inference profile in the
region that is called, the foundation model in each destination, `global.`'s region-less one among them. Regions:
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
"""

import fnmatch
import pathlib

from samtranslator.yaml_helper import yaml_parse

ACCOUNT = "123456789012"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/gateway"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bedrock"
GUARDRAIL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123"
GUARDRAIL_PROFILE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail-profile/us.guardrail.v1:0"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"
SEARCH = "arn:aws:bedrock-agentcore:us-east-1:aws:tool/web-search.v1"
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
CALLS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:CountTokens"]
# Models for vectors and for the order of documents are not talked to.
RETRIEVAL_CALLS = ["bedrock:InvokeModel"]
BOOKS = ["BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"]

# Where a profile's request may end up, by the prefix of its id. The empty region is the global profile's own.
DESTINATIONS = {
    "us": ["us-east-1", "us-east-2", "us-west-1", "us-west-2"],
    "eu": ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"],
    "apac": ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-4"],
    "jp": ["ap-northeast-1", "ap-northeast-3"],
    "au": ["ap-southeast-2", "ap-southeast-4"],
    "global": ["", "us-east-1", "eu-central-1", "ap-northeast-1"],
}

# Each wildcard that the policy may hold, and why.
WILDCARDS = {
    "arn:aws:bedrock:*::foundation-model/anthropic.claude-*": "a profile's destinations are regions that AWS adds to",
    f"arn:aws:bedrock:*:{ACCOUNT}:inference-profile/*.anthropic.claude-*": "a deployment may name any region",
    "arn:aws:bedrock:*::foundation-model/amazon.titan-embed-text-v2:0": "a deployment may name any region",
    "arn:aws:bedrock:*::foundation-model/amazon.nova-2-multimodal-embeddings-v1:0": "a deployment may name any region",
    "arn:aws:bedrock:*::foundation-model/amazon.rerank-v1:0": "a deployment may name any region",
    "arn:aws:bedrock:*::foundation-model/cohere.embed-v4:0": "a profile's destinations are regions that AWS adds to",
    f"arn:aws:bedrock:*:{ACCOUNT}:inference-profile/*.cohere.embed-v4:0": "a deployment may name any region",
    "arn:aws:bedrock:*::foundation-model/cohere.rerank-v3-5:0": "a deployment may name any region",
    f"{TABLE}/index/*": "both indexes",
}


def resolved(value, conditions, parameters):
    """The value with CloudFormation's functions carried out; None for AWS::NoValue."""
    if isinstance(value, list):
        found = [resolved(item, conditions, parameters) for item in value]
        return [item for item in found if item is not None]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref":
            return None if argument == "AWS::NoValue" else parameters[argument]
        if function == "Fn::GetAtt":
            assert argument in ("Table.Arn", ["Table", "Arn"]), argument
            return TABLE
        if function == "Fn::If":
            name, yes, no = argument
            return resolved(yes if conditions[name] else no, conditions, parameters)
        if function == "Fn::Sub":
            for name, text in {"AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "Table.Arn": TABLE}.items():
                argument = argument.replace(f"${{{name}}}", text)
            assert "${" not in argument, argument
            return argument
    return {key: resolved(item, conditions, parameters) for key, item in value.items()}


def statements(template, **parameters):
    conditions = {
        "CallsMoreModels": "MoreModels" in parameters,
        "AssumesRoles": "RolesToAssume" in parameters,
        "AppliesGuardrails": "Guardrails" in parameters,
        "SearchesTheWeb": parameters.get("WebSearch") == "on",
        "HasAlarm": "Alarms" in parameters,
        "HasEventBus": "AlertEventBus" in parameters,
    }
    [policy] = template["Resources"]["Gateway"]["Properties"]["Policies"]
    return resolved(policy["Statement"], conditions, parameters)


def as_list(value):
    return value if isinstance(value, list) else [value]


def allows(policy, action, resource):
    """IAM's wildcards: * is any run of characters, the empty one too, and ? any one character."""
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatch.fnmatchcase(action, pattern) for pattern in as_list(statement["Action"]))
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"]))
        for statement in policy
    )


def resources(model_id, region):
    """What Bedrock checks when this id is called in this region."""
    prefix, _, base = model_id.partition(".")
    if prefix not in DESTINATIONS:
        return [f"arn:aws:bedrock:{region}::foundation-model/{model_id}"]
    profile = f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{model_id}"
    return [profile] + [f"arn:aws:bedrock:{to}::foundation-model/{base}" for to in DESTINATIONS[prefix]]


def shipped(folder):
    for path in sorted(pathlib.Path(folder).glob("*_config.yml")) + [pathlib.Path(folder, "prompt_caching.yml")]:
        for entry in yaml_parse(path.read_text())["model_list"]:
            params = entry["litellm_params"]
            region = params.get("aws_region_name", "us-east-1")
            region = "us-east-1" if region.startswith("os.environ/") else region
            yield path.name, params["model"].removeprefix("bedrock/").removeprefix("converse/"), region


def check(template, folder):
    policy = statements(template)
    tried = set()
    for file, model_id, region in shipped(folder):
        for resource in resources(model_id, region):
            is_retrieval = "embed" in model_id or "rerank" in model_id
            for action in RETRIEVAL_CALLS if is_retrieval else CALLS:
                assert allows(policy, action, resource), f"{file}: {action} on {resource} is not allowed"
            tried.add(resource)
    assert len(tried) > 20, f"only {len(tried)} resources: are the configurations still where they were?"
    for action in BOOKS:
        assert allows(policy, f"dynamodb:{action}", TABLE), action
    for index in ("by_key", "by_session"):
        assert allows(policy, "dynamodb:Query", f"{TABLE}/index/{index}"), index

    refused = [
        ("bedrock:InvokeModel", f"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"),
        ("bedrock:InvokeModel", f"arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v1"),
        ("bedrock:InvokeModelWithResponseStream", f"arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"),
        ("bedrock:InvokeModel", f"arn:aws:bedrock:us-east-1:999999999999:inference-profile/us.anthropic.claude-sonnet-5-5"),
        ("bedrock:DeleteGuardrail", f"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-5-5"),
        ("dynamodb:DeleteTable", TABLE),
        ("dynamodb:Scan", TABLE),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/other"),
        ("sts:AssumeRole", ROLE),
        ("sts:TagSession", ROLE),
        ("bedrock:ApplyGuardrail", GUARDRAIL),
        ("sns:Publish", TOPIC),
        ("events:PutEvents", BUS),
        ("bedrock-agentcore:InvokeWebSearch", SEARCH),
    ]
    for action, resource in refused:
        assert not allows(policy, action, resource), f"{action} on {resource} is allowed"

    more = statements(template, MoreModels=["arn:aws:bedrock:*::foundation-model/amazon.nova-pro-v1:0"], RolesToAssume=[ROLE])
    assert allows(more, "bedrock:InvokeModelWithResponseStream", "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-pro-v1:0")
    assert allows(more, "sts:AssumeRole", ROLE)
    assert not allows(more, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/admin")

    guarded = statements(template, Guardrails=[GUARDRAIL, GUARDRAIL_PROFILE])
    for arn in (GUARDRAIL, GUARDRAIL_PROFILE):
        assert allows(guarded, "bedrock:ApplyGuardrail", arn), arn
    assert not allows(guarded, "bedrock:ApplyGuardrail", GUARDRAIL.replace("abc123", "other"))
    for action in ("bedrock:DeleteGuardrail", "bedrock:UpdateGuardrail", "bedrock:InvokeModel"):
        assert not allows(guarded, action, GUARDRAIL), action

    searching = statements(template, WebSearch="on")
    assert allows(searching, "bedrock-agentcore:InvokeWebSearch", SEARCH)
    assert not allows(searching, "bedrock-agentcore:InvokeWebSearch", SEARCH.replace("web-search", "other"))
    assert not allows(searching, "bedrock-agentcore:InvokeBrowser", SEARCH)

    alerting = statements(template, Alarms=TOPIC, AlertEventBus=BUS)
    for action, resource in (("sns:Publish", TOPIC), ("events:PutEvents", BUS)):
        assert allows(alerting, action, resource), action
        assert not allows(alerting, action, resource.replace("alarms", "other").replace("default", "other")), action
    for action in ("sns:Subscribe", "sns:DeleteTopic", "events:PutRule"):
        assert not allows(alerting, action, TOPIC) and not allows(alerting, action, BUS), action

    wild = {r for s in policy for r in as_list(s["Resource"]) if "*" in r or "?" in r}
    assert wild == set(WILDCARDS), f"wildcards that are not on the list: {wild ^ set(WILDCARDS)}"
    assert not any("*" in action for s in policy for action in as_list(s["Action"])), "an action with a wildcard"
    return len(tried)
