"""What a team writes that load-tests the operation with locust: boto3 in a user, as AWS documents the call."""
import os
import time
import uuid

import boto3
from botocore.config import Config
from locust import User, constant_throughput, task

EACH = float(os.environ["PEERS_RATE_EACH"])


class Caller(User):
    """Calls at its share of the rate, or, without one, as fast as answers come."""

    wait_time = constant_throughput(EACH) if EACH > 0 else lambda self: 0

    def __init__(self, environment):
        super().__init__(environment)
        self.client = boto3.client(
            "rekognition", endpoint_url=os.environ["PEERS_URL"], region_name="us-east-1", aws_access_key_id="test",
            aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=1),
        )

    @task
    def create(self):
        start = time.perf_counter()
        error = None
        try:
            self.client.create_face_liveness_session(ClientRequestToken=uuid.uuid4().hex)
        except Exception as problem:
            error = problem
        took = (time.perf_counter() - start) * 1000
        self.environment.events.request.fire(
            request_type="boto3", name="create", response_time=took, response_length=0, exception=error, context={})
