#!/usr/bin/env python3
"""The manifests in deploy/, offline: schema, what no schema says, and the contract with the binary: manifests.py DEPLOY BINARY

No Kubernetes and no AWS is asked: it is the contract that is tried, each index with the manifest's own environment.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

deploy, binary = Path(sys.argv[1]), sys.argv[2]
problems = []


def need(holds, why):
    if not holds:
        problems.append(why)


def livebench(arguments, environment):
    clean = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **environment}
    return subprocess.run([binary, *arguments], env=clean, capture_output=True, text=True, timeout=60)


# Kubernetes
job = yaml.safe_load((deploy / "kubernetes/job.yaml").read_text())
for version in ("1.33", "1.35"):
    try:
        kubernetes_validate.validate(job, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        problems.append(f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}")
    except kubernetes_validate.VersionNotSupportedError:
        problems.append(f"kubernetes-validate knows no {version}")
spec, pod = job["spec"], job["spec"]["template"]["spec"]
container = pod["containers"][0]
environment = {entry["name"]: entry["value"] for entry in container["env"]}
need(spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"], "all shards must run at once")
need(environment["LIVEBENCH_SHARDS"] == str(spec["completions"]), "LIVEBENCH_SHARDS must be completions")
need(pod["restartPolicy"] == "Never", "backoffLimitPerIndex and podFailurePolicy need restartPolicy Never")
need("activeDeadlineSeconds" in spec, "load needs a hard stop")
need(pod["terminationGracePeriodSeconds"] > 10, "the grace of the pod must be longer than livebench's own")
need(pod["securityContext"]["runAsNonRoot"], "not as root")
actions = {}
for rule in spec["podFailurePolicy"]["rules"]:
    for code in rule.get("onExitCodes", {}).get("values", []):
        actions[code] = rule["action"]
need(actions == {2: "FailJob", 75: "FailJob", 1: "FailIndex", 3: "FailIndex"}, f"exit codes {actions}")
for index in range(spec["completions"]):
    found = livebench(["shard", "--output", "json"], {"JOB_COMPLETION_INDEX": str(index), **environment})
    need(f'"shard":"{index}/{spec["completions"]}"' in found.stdout, f"index {index}: {found.stdout}{found.stderr}")
need(livebench(["shard"], {"JOB_COMPLETION_INDEX": "3"}).returncode == 2, "an index without a count must be refused")
patch = yaml.safe_load(yaml.safe_load((deploy / "kubernetes/kustomization.yaml").read_text())["patches"][0]["patch"])
need({str(step["value"]) for step in patch} == {"16"} and len(patch) == 3, "kustomization.yaml must change one number in three places")


def arguments_are_known(arguments, where):
    """The container's own command line, on a scenario that is not there: every option is understood before that is said."""
    with tempfile.TemporaryDirectory() as work:
        scenario = next(argument for argument in arguments if argument.endswith(".toml"))
        missing = str(Path(work) / "none.toml")
        said = livebench([missing if argument == scenario else argument for argument in arguments], {})
        need(said.returncode == 2 and "there is no such file" in said.stderr, f"{where}: {said.stderr}")


arguments_are_known(container["args"], "deploy/kubernetes/job.yaml")

# AWS Batch
template = deploy / "aws-batch/livebench.cfn.yaml"
lint = subprocess.run([str(Path(sys.executable).parent / "cfn-lint"), str(template)], capture_output=True, text=True)
need(lint.returncode == 0, f"cfn-lint: {lint.stdout}{lint.stderr}")


class Loader(yaml.SafeLoader):
    """YAML with the functions of CloudFormation as their arguments."""


Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else loader.construct_sequence(node))
definition = yaml.load(template.read_text(), Loader)["Resources"]["Job"]["Properties"]
rules = definition["RetryStrategy"]["EvaluateOnExit"]
need(len(rules) <= 5, "AWS Batch takes five rules at most")
need({rule["OnExitCode"] for rule in rules} == {"0", "1", "2", "3", "75"} and all(rule["Action"] == "EXIT" for rule in rules), f"exit codes {rules}")
need("AttemptDurationSeconds" in definition["Timeout"], "load needs a hard stop")
command = [definition["Parameters"]["scenario"] if part == "Ref::scenario" else part for part in definition["ContainerProperties"]["Command"]]
arguments_are_known(command, "deploy/aws-batch/livebench.cfn.yaml")
for index in range(3):
    found = livebench(["shard", "--output", "json"], {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": "3", "AWS_BATCH_JOB_ID": f"a:{index}", "AWS_BATCH_JOB_ATTEMPT": "1"})
    need(f'"shard":"{index}/3"' in found.stdout and '"run":"a"' in found.stdout, f"index {index}: {found.stdout}{found.stderr}")

import botocore.session  # noqa: E402
from botocore.validate import ParamValidator  # noqa: E402

shape = botocore.session.get_session().get_service_model("batch").operation_model("SubmitJob").input_shape
call = {"jobName": "launch", "jobQueue": "livebench", "jobDefinition": "livebench", "arrayProperties": {"size": 8}, "parameters": {"scenario": "/results/launch.toml"}}
report = ParamValidator().validate(call, shape)
need(not report.has_errors(), report.generate_report())

for problem in problems:
    print("FAIL", problem)
sys.exit(bool(problems))
