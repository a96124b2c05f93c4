"""For LocalStack: functions that are created and never run, so that neither Docker nor a download is needed.

LocalStack finds it by its entry point when this folder is on PYTHONPATH, and takes it with LAMBDA_RUNTIME_EXECUTOR=none.
"""

from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor, RuntimeExecutorPlugin


class NeverRuns(RuntimeExecutor):
    """What LocalStack asks of an executor before the first invocation."""

    @classmethod
    def prepare_version(cls, function_version):
        """Nothing has to be prepared for what never runs."""

    @classmethod
    def cleanup_version(cls, function_version):
        """Nothing was prepared."""

    @classmethod
    def validate_environment(cls):
        """Nothing is needed."""
        return True


class NeverRunsPlugin(RuntimeExecutorPlugin):
    """Names the executor."""

    name = "none"

    def load(self):
        """What LocalStack calls to get the executor."""
        return NeverRuns
