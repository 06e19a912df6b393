"""`wallcross lab`: a stand-in comes up, says where, and ends when it is told to."""

import base64
import json
import signal
import ssl
import subprocess
import sys

import httpx


def test_lab_signal_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "orchestrator.cli", "lab", "signal", "--release", "0.100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        told = json.loads(child.stdout.readline())
        assert told.keys() == {"port", "control", "token", "pid"}
        assert told["pid"] == child.pid
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with httpx.Client(base_url=f"http://127.0.0.1:{told['port']}", verify=nobody) as rest:
            about = rest.get("/v1/about").json()
        assert (about["mode"], about["version"]) == ("json-rpc", "0.100")
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
        assert b"A stand-in" in child.stderr.read()


def test_lab_signal_serves_the_other_program_too() -> None:
    command = [sys.executable, "-m", "orchestrator.cli", "lab", "signal", "--backend", "json-rpc"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with httpx.Client(base_url=f"http://127.0.0.1:{told['port']}", verify=nobody) as daemon:
            call = {"jsonrpc": "2.0", "id": "1", "method": "listAccounts"}
            answer = daemon.post("/api/v1/rpc", json=call).json()
        assert answer == {"jsonrpc": "2.0", "result": [{"number": "+15550100"}], "id": "1"}
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0


def test_lab_wickr_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "orchestrator.cli", "lab", "wickr", "--modify", "add"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        told = json.loads(child.stdout.readline())
        assert told.keys() == {
            *("port", "control", "token", "pid"),
            *("user", "api_key", "auth_token"),
        }
        assert told["pid"] == child.pid
        token = base64.b64encode(told["auth_token"].encode()).decode()
        headers = {"Authorization": f"Basic {token}", "x-api-key": told["api_key"]}
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        base = f"http://127.0.0.1:{told['port']}/WickrIO/V2/Apps"
        with httpx.Client(base_url=base, verify=nobody, headers=headers) as interface:
            assert interface.get("/Rooms").json() == {"rooms": []}
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
        assert b"A stand-in" in child.stderr.read()
