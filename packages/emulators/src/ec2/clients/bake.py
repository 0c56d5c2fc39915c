"""Bakes an image with boto3 on the account of an emulator.json, boots it and prints what it finds in it as JSON."""

import json
import os
import subprocess
import sys
import time

import boto3
from botocore.config import Config

account = json.load(open(sys.argv[1]))
folder = sys.argv[2]
ec2 = boto3.client(
    "ec2",
    endpoint_url=account["endpoint"],
    region_name=account["region"],
    aws_access_key_id=account["access_key_id"],
    aws_secret_access_key=account["secret_access_key"],
    config=Config(retries={"max_attempts": 1}),
)
key_file = os.path.join(folder, "key")


def wait(waiter, **ids):
    ec2.get_waiter(waiter).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 300}, **ids)


def launch(image):
    launched = ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        KeyName="boto3",
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "SubnetId": account["subnets"][0],
                "Groups": [account["security_group_id"]],
                "AssociatePublicIpAddress": True,
            }
        ],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "made-by", "Value": "boto3"}]}],
    )
    instance = launched["Instances"][0]["InstanceId"]
    wait("instance_running", InstanceIds=[instance])
    found = ec2.describe_instances(Filters=[{"Name": "tag:made-by", "Values": ["boto3"]}], InstanceIds=[instance])
    return instance, found["Reservations"][0]["Instances"][0]["PublicIpAddress"]


def enter(address, command):
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=20", "BatchMode=yes", "LogLevel=ERROR"]
    login = ["ssh", "-i", key_file, *[part for option in options for part in ("-o", option)], f"{account['ssh_user']}@{address}", command]
    for _ in range(60):
        done = subprocess.run(login, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
        time.sleep(1)
    raise SystemExit(f"{address} did not answer: {done.stderr}")


key = ec2.create_key_pair(KeyName="boto3", KeyType="ed25519")
with open(os.open(key_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
    file.write(key["KeyMaterial"])
source, address = launch(account["image_id"])
enter(address, "echo baked >/opt/marker && sync")
ec2.stop_instances(InstanceIds=[source])
wait("instance_stopped", InstanceIds=[source])
image = ec2.create_image(InstanceId=source, Name="made by boto3", NoReboot=True)["ImageId"]
wait("image_available", ImageIds=[image])
ec2.terminate_instances(InstanceIds=[source])
wait("instance_terminated", InstanceIds=[source])
copy, address = launch(image)
marker = enter(address, "cat /opt/marker")
ec2.terminate_instances(InstanceIds=[copy])
wait("instance_terminated", InstanceIds=[copy])
ec2.delete_key_pair(KeyName="boto3")
described = ec2.describe_images(Owners=["self"], ImageIds=[image])["Images"][0]
json.dump({"image": image, "marker": marker, "snapshot": described["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]}, sys.stdout)
