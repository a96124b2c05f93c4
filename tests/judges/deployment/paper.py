"""What only the transformed template shows: LocalStack leaves it out, or it is off unless somebody asks for it."""

import graphlib
import json
import re
import tomllib

import sam
from buckets import ALL_BLOCKED, PROMISED
from functions import FUNCTIONS, WITH_ALIAS, roles, versions

# Whoever deletes the stack, or renames one of these, doesn't lose what lies in it.
KEPT_TYPES = ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::Backup::BackupVault")
KEPT = ("DeadLetterQueue",)
# What only a parameter brings.
OPTIONAL = {
    "BackupPlan", "BackupRole", "BackupSelection", "ObjectTrail", "OperationsTopicEmail", "ReplicationPolicy",
    "ReplicationRole", "StorageEndpoint", "TopicEmail",
}  # fmt: skip
SECRET_PATH = re.compile(
    r"\$context\.(path|http\.path|requestOverride|integration\.request|identity\.apiKey)|querystring"
)


def everything(report, parameters, what, root):
    """Checks the template with these parameters."""
    report.part(f"template.yaml, transformed by SAM, {what}")
    deployed = sam.deploy(root / "template.yaml", parameters)
    order(report, deployed)
    retention(report, deployed)
    lifecycle(report, deployed, root)
    routes(report, deployed, root)
    versions(report, deployed)
    roles(report, deployed, parameters == sam.EVERYTHING)
    encryption(report, deployed, parameters.get("KmsKeyArn"))
    access(report, deployed)
    access_logs(report, deployed)
    queries(report, deployed)
    optional(report, deployed, parameters == sam.EVERYTHING)
    return deployed


def order(report, deployed):
    """CloudFormation must find one in which each resource comes after what it refers to."""
    try:
        count = len(list(graphlib.TopologicalSorter(deployed.uses).static_order()))
        report.check(f"{count} resources refer to what is there, and none waits for itself", True)
    except graphlib.CycleError as error:
        report.check("none waits for itself", False, " -> ".join(error.args[1]))


def retention(report, deployed):
    """Data stay when the stack goes, and whatever goes says so."""
    kept = {name for name, one in deployed.resources.items() if one["Type"] in KEPT_TYPES or name in KEPT}
    policies = {
        name: [deployed.resources[name].get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy")] for name in kept
    }
    report.same(
        f"{len(kept)} that hold data are retained", {n for n, p in policies.items() if p != ["Retain"] * 2}, set()
    )
    stateful = {n for t in ("AWS::Logs::LogGroup", "AWS::SQS::Queue") for n in deployed.of_type(t)} - kept
    silent = {n for n in stateful if "DeletionPolicy" not in deployed.resources[n]}
    report.same("queues and log groups say whether they are", silent, set())


def lifecycle(report, deployed, root):
    """The rules of the artifacts bucket are those of infra/collections.toml."""
    with open(root / "infra/collections.toml", "rb") as file:
        collections = tomllib.load(file)["collection"]
    rules = deployed.resources["ArtifactsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    places = {place for one in collections for place in folders(one)}
    found = {rule["Prefix"]: moves(rule) for rule in rules if rule.get("Prefix") in places and moves(rule)}
    wanted = {place: one["retention"] for one in collections if "retention" in one for place in folders(one)}
    report.same("objects move and expire as infra/collections.toml says", found, wanted)
    disabled = [rule["Id"] for rule in rules if rule["Status"] != "Enabled"]
    report.same("every lifecycle rule is on", disabled, [])
    ids = [rule["Id"] for rule in rules]
    report.check("each has a name of its own", len(ids) == len(set(ids)), ids)
    uploads = [rule.get("ExpirationInDays") for rule in rules if rule["Id"] == "uploads"]
    report.same("staged uploads expire after 2 days", uploads, [2])
    for name, bucket in deployed.of_type("AWS::S3::Bucket").items():
        own = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        parts = [rule["AbortIncompleteMultipartUpload"] for rule in own if "AbortIncompleteMultipartUpload" in rule]
        report.same(f"{name}: abandoned uploads end after 2 days", parts, [{"DaysAfterInitiation": 2}])
    for name in ("AuditBucket", "QuarantineBucket"):
        own = deployed.resources[name]["Properties"]["LifecycleConfiguration"]["Rules"]
        report.check(f"{name}: nothing expires", not any("Expiration" in key for rule in own for key in rule), own)


def folders(collection):
    """Where its files lie: its prefix, or a folder for each kind."""
    return {collection["prefix"]} if collection["prefix"] else {kind["folder"] for kind in collection["accept"]}


def moves(rule):
    """A rule's days, as infra/collections.toml calls them."""
    days = {one["StorageClass"].lower(): one["TransitionInDays"] for one in rule.get("Transitions", [])}
    return days | ({"expire": rule["ExpirationInDays"]} if "ExpirationInDays" in rule else {})


def routes(report, deployed, root):
    """The HTTP API is what infra/openapi.yaml says, to the right function and with the right guard."""
    with open(root / "infra/openapi.yaml", encoding="utf-8") as file:
        documented = sam.yaml_parse(file.read())
    wanted = {}
    for path, methods in documented["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "head", "post", "put", "patch", "delete"):
                wanted[f"{method.upper()} {path}"] = bool(operation.get("security", documented["security"]))
    body = deployed.resources["HttpApi"]["Properties"]["Body"]
    found, reached, formats = {}, {}, set()
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            if method == "options" or path == "$default":
                continue
            route = f"{method.upper()} {path.replace('+}', '}')}"
            found[route] = operation["security"] == [{"Jwt": []}]
            integration = operation["x-amazon-apigateway-integration"]
            reached[route] = integration["uri"].rsplit(":function:", 1)[1].removesuffix("/invocations")
            formats.add(integration["payloadFormatVersion"])
    report.same(
        f"{len(wanted)} routes are those of infra/openapi.yaml, and {sum(wanted.values())} want a token", found, wanted
    )
    open_ones = sorted({route.split()[1] for route, guarded in found.items() if not guarded})
    report.same("without a token: the use of share links, and health", open_ones, ["/v1/health", "/v1/s/{token}"])
    report.same("payload format 2.0", formats, {"2.0"})
    ours = {f"{deployed.stack}-{FUNCTIONS[name]}:live": name for name in WITH_ALIAS}
    report.same("routes lead to aliases", set(reached.values()), set(ours))
    reads = {route for route, function in reached.items() if ours.get(function) == "SignedDownload"}
    split = {
        r for r in reached if "/links" in r or "/s/" in r or r.startswith("GET /v1/documents") or r == "GET /v1/audit"
    }
    report.same("links, lists and the audit log are signed-download's, the rest session-export's", reads, split)
    scheme = body["components"]["securitySchemes"]["Jwt"]["x-amazon-apigateway-authorizer"]
    configured = {"issuer": sam.REQUIRED["JwtIssuer"], "audience": [sam.REQUIRED["JwtAudience"]]}
    report.same(
        "the authorizer checks JWTs of the issuer and audience",
        (scheme["type"], scheme["jwtConfiguration"]),
        ("jwt", configured),
    )
    permissions = [one["Properties"] for one in deployed.of_type("AWS::Lambda::Permission").values()]
    invoked = {(one["SourceArn"].split("/", 1)[1], one["FunctionName"].split(":function:")[-1]) for one in permissions}
    # An HTTP API names itself by its route's key, so {path+} may stay as it is.
    spelled = {
        (re.sub(r"\{[^}+]+\}", "*", f"*/{method.upper()}{path}"), reached[route])
        for path, methods in body["paths"].items()
        for method in methods
        if (route := f"{method.upper()} {path.replace('+}', '}')}") in reached
    }
    report.same("API Gateway may call these aliases for these routes", invoked, spelled)
    (stage,) = deployed.of_type("AWS::ApiGatewayV2::Stage").values()
    log = stage["Properties"]["AccessLogSettings"]["Format"]
    report.check("the access log holds no path and no query", not SECRET_PATH.search(log), log)
    limited = {route for route in stage["Properties"]["RouteSettings"]}
    report.same("whoever has no token is throttled", limited, {f"{m} /v1/s/{{token}}" for m in ("GET", "HEAD", "POST")})


def encryption(report, deployed, key):
    """By the customer's key, where there is one, but for the bucket that S3 delivers its logs to."""
    for name, bucket in deployed.of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if key and name != "AccessLogBucket":
            wanted = {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
            }
        else:
            wanted = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        report.same(f"{name}: encrypted by {'the key' if 'KMSMasterKeyID' in str(wanted) else 'S3'}", rule, wanted)
    statements = [one for role in deployed.of_type("AWS::IAM::Role").values() for one in sam.statements(role)]
    uses = [s["Condition"] for s in statements if "kms:GenerateDataKey" in s["Action"] and s["Resource"] == key]
    wanted = [{"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}] * (3 if key else 0)
    report.same(f"{len(wanted)} functions may use it, through S3 alone", uses, wanted)


def access(report, deployed):
    """What LocalStack reads back whether the template says it or not: S3's own defaults for new buckets are the same."""
    for name in PROMISED:
        properties = deployed.resources[name]["Properties"]
        found = properties.get("PublicAccessBlockConfiguration"), properties.get("OwnershipControls")
        wanted = ALL_BLOCKED, {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        report.same(f"{name}: says itself that there is no public access, and no ACLs", found, wanted)


def access_logs(report, deployed):
    """S3 tells who read what, each bucket in a folder of its own."""
    target = deployed.name("AccessLogBucket")
    for name, (folder, _, _) in PROMISED.items():
        found = deployed.resources[name]["Properties"].get("LoggingConfiguration")
        wanted = {"DestinationBucketName": target, "LogFilePrefix": folder} if folder else None
        report.same(f"{name}: access log {f'in {folder}' if folder else 'none'}", found, wanted)


def queries(report, deployed):
    """Athena and Glue, which LocalStack's community core hasn't."""
    (group,) = deployed.of_type("AWS::Athena::WorkGroup").values()
    settings = group["Properties"]["WorkGroupConfiguration"]
    results = deployed.outputs["QueryResultsBucketName"]
    report.check("Athena's workgroup enforces its settings", settings["EnforceWorkGroupConfiguration"] is True)
    report.same("and answers into its bucket", settings["ResultConfiguration"]["OutputLocation"], f"s3://{results}/")
    tables = {
        t["Properties"]["TableInput"]["Name"]: t["Properties"] for t in deployed.of_type("AWS::Glue::Table").values()
    }
    places = {name: one["TableInput"]["StorageDescriptor"]["Location"] for name, one in tables.items()}
    artifacts, audit = (deployed.outputs[f"{name}BucketName"] for name in ("Artifacts", "Audit"))
    report.same(
        "the tables lie where the functions write",
        places,
        {"documents": f"s3://{artifacts}/index/", "audit": f"s3://{audit}/audit/"},
    )
    for name, table in tables.items():
        serde = table["TableInput"]["StorageDescriptor"]["SerdeInfo"]["Parameters"]
        wanted = {"ignore.malformed.json": "true", "case.insensitive": "false"}
        report.same(f"{name}: keys that differ in case alone are two", serde, wanted)
        template = table["TableInput"]["Parameters"]["storage.location.template"]
        keys = [key["Name"] for key in table["TableInput"]["PartitionKeys"]]
        report.same(
            f"{name}: each partition key is in the place of a partition", re.findall(r"\$\{(\w+)\}", template), keys
        )
    database = deployed.outputs["DatabaseName"]
    report.same("both in the stack's database", {t["DatabaseName"] for t in tables.values()}, {database})


def optional(report, deployed, is_on):
    """What is off unless somebody asks for it."""
    there = OPTIONAL & set(deployed.resources)
    report.same(f"what is optional is {'there' if is_on else 'not there'}", there, OPTIONAL if is_on else set())
    export = deployed.resources["SessionExport"]["Properties"]
    mounted = (
        export.get("FileSystemConfigs"),
        export.get("VpcConfig"),
        export["Environment"]["Variables"]["FALLBACK_DIR"],
    )
    (schedule,) = deployed.of_type("AWS::Scheduler::Schedule").values()
    artifacts = deployed.resources["ArtifactsBucket"]["Properties"]
    cors = deployed.resources["HttpApi"]["Properties"]["Body"].get("x-amazon-apigateway-cors")
    if not is_on:
        report.same("no file system is mounted, and nothing is kept", mounted, (None, None, ""))
        report.same("and so the replay sleeps", schedule["Properties"]["State"], "DISABLED")
        report.same("no replicas", artifacts.get("ReplicationConfiguration"), None)
        report.same("no web page may call", (artifacts.get("CorsConfiguration"), cors), (None, None))
        return
    arn = sam.EVERYTHING["FallbackAccessPointArn"]
    network = {"SubnetIds": ["subnet-0123", "subnet-4567"], "SecurityGroupIds": ["sg-0123"]}
    wanted = [{"Arn": arn, "LocalMountPath": "/mnt/fallback"}], network, "/mnt/fallback"
    report.same("what can't reach S3 is kept on the file system", mounted, wanted)
    report.same("and the replay runs", schedule["Properties"]["State"], "ENABLED")
    (rule,) = artifacts["ReplicationConfiguration"]["Rules"]
    destination = {
        "Bucket": sam.EVERYTHING["ReplicaBucketArn"],
        "EncryptionConfiguration": {"ReplicaKmsKeyID": sam.EVERYTHING["ReplicaKmsKeyArn"]},
    }
    report.same("S3 replicates all", (rule["Filter"], rule["Destination"]), ({"Prefix": ""}, destination))
    origins = sam.EVERYTHING["CorsOrigins"].split(",")
    found = artifacts["CorsConfiguration"]["CorsRules"][0]["AllowedOrigins"], cors["allowOrigins"]
    report.same("web pages of both origins may call the bucket and the API", found, (origins, origins))
    traced = {name: deployed.resources[name]["Properties"].get("TracingConfig") for name in FUNCTIONS}
    report.same("calls are traced", traced, dict.fromkeys(FUNCTIONS, {"Mode": "Active"}))
    vault = deployed.resources["BackupVault"]["Properties"]
    report.same("the vault has a name, and no key that could change", set(vault), {"BackupVaultName"})
    buckets = {f"arn:aws:s3:::{deployed.outputs[f'{name}BucketName']}" for name in ("Artifacts", "Audit", "Quarantine")}
    chosen = deployed.resources["BackupSelection"]["Properties"]["BackupSelection"]["Resources"]
    report.same("three buckets are backed up", set(chosen), buckets)
    (selector,) = deployed.resources["ObjectTrail"]["Properties"]["AdvancedEventSelectors"]
    recorded = next(one["StartsWith"] for one in selector["FieldSelectors"] if "StartsWith" in one)
    report.same("CloudTrail records each access to them", set(recorded), {f"{arn}/" for arn in buckets})
    trail = f"arn:aws:cloudtrail:{sam.REGION}:{deployed.account}:trail/{deployed.resources['ObjectTrail']['Properties']['TrailName']}"
    grants = deployed.resources["AccessLogBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    named = [
        s["Condition"]["StringEquals"]["aws:SourceArn"]
        for s in grants
        if "cloudtrail.amazonaws.com" in json.dumps(s["Principal"])
    ]
    report.same("and that trail may write to the bucket for logs", named, [trail, trail])
