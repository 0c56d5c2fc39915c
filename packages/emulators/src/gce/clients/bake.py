"""Bakes an image with libcloud in the project of an emulator.json, boots it and prints what it finds in it as JSON."""

import json
import os
import subprocess
import sys
import time
from urllib.parse import urlparse

from libcloud.compute.drivers.gce import GCEConnection, GCENodeDriver

project = json.load(open(sys.argv[1]))
folder = sys.argv[2]
zone = project["zones"][1]
credential = os.path.join(folder, "credential")
with open(credential, "w") as file:
    json.dump({"access_token": project["token"], "expire_time": "2999-01-01T00:00:00Z"}, file)
# The driver has no parameter for it.
GCEConnection.host = urlparse(project["endpoint"]).netloc
driver = GCENodeDriver(
    "libcloud",
    "no key",
    project=project["project"],
    datacenter=zone,
    auth_type="IA",
    credential_file=credential,
    secure=False,
)
key_file = os.path.join(folder, "key")
subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key_file], check=True)
public_key = open(f"{key_file}.pub").read().strip()


def launch(name, image):
    metadata = {"items": [{"key": "ssh-keys", "value": f"{project['ssh_user']}:{public_key}"}]}
    return driver.create_node(
        name, "e2-medium", image, ex_network=project["network"], external_ip=None, ex_metadata=metadata, ex_labels={"made-by": "libcloud"}
    )


def enter(node, command):
    host = node.private_ips[0]
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=20", "BatchMode=yes", "LogLevel=ERROR"]
    login = ["ssh", "-i", key_file, *[part for option in options for part in ("-o", option)], f"{project['ssh_user']}@{host}", command]
    for _ in range(120):
        done = subprocess.run(login, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
        time.sleep(1)
    raise SystemExit(f"{host} did not answer: {done.stderr}")


source = launch("source", driver.ex_get_image(project["base_image"].rsplit("/", 1)[1]))
enter(source, "sudo sh -c 'echo baked >/opt/marker && sync'")
driver.ex_stop_node(source)
image = driver.ex_create_image("made-by-libcloud", driver.ex_get_volume("source", zone))
driver.destroy_node(source)
copy = launch("copy", image)
marker = enter(copy, "cat /opt/marker")
driver.destroy_node(copy)
print(json.dumps({"image": image.id, "marker": marker, "nodes": [node.name for node in driver.list_nodes()]}))
