"""Calls the strings service with a client that openapi-python-client made of its document.

Usage: openapi_client.py ADDRESS DIRECTORY_OF_CLIENT. Fails where something does not hold.
"""

import sys

address, directory = sys.argv[1:3]
sys.path.insert(0, directory)

from strings_client import Client
from strings_client.api.strings import strings_count, strings_uppercase
from strings_client.models import Problem, UppercaseRequest

client = Client(base_url=f"http://{address}")

upper = strings_uppercase.sync(client=client, body=UppercaseRequest(text="straße"))
assert upper.text == "STRASSE", upper

count = strings_count.sync("grö/ße", client=client)
assert count.count == "6", count

refused = strings_uppercase.sync_detailed(client=client, body=UppercaseRequest(text=""))
assert refused.status_code == 400, refused
problem = refused.parsed
assert isinstance(problem, Problem), problem
assert problem.code.value == "invalid_argument", problem
assert problem.reason == "EMPTY", problem
assert problem.detail == "nothing to do: the text is empty", problem
