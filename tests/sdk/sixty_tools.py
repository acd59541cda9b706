"""An MCP server of sixty tools with long descriptions."""

import json
import sys

TEXT = "what it says, where it stands and who wrote it. " * 8
SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string", "description": "Which file."}, "depth": {"type": "integer"}},
    "required": ["path"],
}
TOOLS = [
    {"name": f"tool_{n}", "description": f"Reads part {n} of the workspace: {TEXT}", "inputSchema": SCHEMA}
    for n in range(60)
]


def result(message):
    match message["method"]:
        case "initialize":
            version = message.get("params", {}).get("protocolVersion", "2025-06-18")
            server = {"name": "sixty", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            return {"content": [{"type": "text", "text": "a part"}]}
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result(message)}
        print(json.dumps(answer), flush=True)
