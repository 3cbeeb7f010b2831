"""A queue for the events of buckets."""
import json

from harness import wait_until


class Told:
    def __init__(self, cloud, name):
        self.sqs = cloud.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps({"Statement": [{
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": self.arn}]})})

    def of(self, s3, bucket, *events):
        """From now on, without the event that tests it."""
        s3.put_bucket_notification_configuration(Bucket=bucket, SkipDestinationValidation=True, NotificationConfiguration={
            "QueueConfigurations": [{"Id": "told", "QueueArn": self.arn, "Events": list(events)}]})

    def records(self, count):
        """Waits for so many."""
        told = []

        def all_told():
            for m in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
                told.extend(json.loads(m["Body"])["Records"])
            return len(told) >= count
        wait_until(all_told, what=lambda: told)
        return told
