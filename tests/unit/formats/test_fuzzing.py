"""Whatever bytes arrive, a decoder raises nothing: random ones, random documents, and a bounded run of a fuzzer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.formats.fuzzing import FORMATS, TOPICS, check

RUNS = 20_000
NAMES = st.sampled_from(
    ["bn", "n", "v", "t", "u", "bt", "vs", "end_device_ids", "device_id", "uplink_message", "decoded_payload", "received_at",
     "deviceInfo", "devEui", "object", "time", "last_seen", "result", "phenomenonTime", "r", "results"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["a", "2026-02-01T00:00:00Z"])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=6),
    max_leaves=20,
)
SEEDS = {
    "senml": b'[{"bn":"a/","bt":1.7e9,"bu":"Cel","n":"t","v":20},{"n":"r","t":-5,"v":1}]',
    "senml-cbor": cbor2.dumps([{-2: "a/", -3: 1.7e9, 0: "t", 2: 20}, {0: "r", 6: -5, 2: 1}]),
    "the-things-stack": b'{"end_device_ids":{"device_id":"a"},"uplink_message":'
    b'{"decoded_payload":{"t":1},"received_at":"2026-02-01T00:00:00Z"}}',
    "chirpstack": b'{"deviceInfo":{"devEui":"a"},"time":"2026-02-01T00:00:00Z","object":{"t":{"x":1}}}',
    "zigbee2mqtt": b'{"t":1,"last_seen":1769904000000}',
    "sensorthings": b'{"result":1,"phenomenonTime":"2026-02-01T00:00:00Z/2026-02-01T01:00:00Z"}',
    "csv": b"time;t;r\n2026-02-01T00:00:00Z;1,5;2\n",
}


@given(st.integers(0, len(TOPICS) - 1), st.binary(max_size=200))
def test_random_bytes_raise_nothing(place: int, payload: bytes) -> None:
    check(bytes([place]) + payload)


@given(st.integers(0, len(TOPICS) - 1), DOCUMENTS)
def test_random_documents_in_json_raise_nothing(place: int, document: Any) -> None:
    check(bytes([place]) + json.dumps(document).encode())


@given(DOCUMENTS | st.lists(st.dictionaries(st.integers(-7, 9) | NAMES, SCALARS, max_size=6), max_size=4))
def test_random_documents_in_cbor_raise_nothing(document: Any) -> None:
    check(bytes([FORMATS.index("senml-cbor")]) + cbor2.dumps(document))


@given(st.text(alphabet='time;,\tr\n"0123456789.-+eE\r ', max_size=200))
def test_random_lines_raise_nothing(text: str) -> None:
    check(bytes([FORMATS.index("csv")]) + text.encode())


def test_every_format_has_a_seed_and_is_fuzzed() -> None:
    from sensors.ingest.decoders.formats import FORMATS as known

    assert set(FORMATS) == set(known) == set(SEEDS)


@pytest.mark.parametrize("name", FORMATS)
def test_seed_is_read_without_a_rejection(name: str) -> None:
    from tests.unit.formats.fuzzing import DECODER

    decoded = DECODER(f"{name}/a", SEEDS[name])
    assert decoded.readings
    assert decoded.rejections == ()


def test_fuzzer_that_follows_coverage_finds_no_crash(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for place, name in enumerate(FORMATS):
        (corpus / name).write_bytes(bytes([place]) + SEEDS[name])
    command = [
        sys.executable,
        "-m",
        "tests.unit.formats.fuzzing",
        str(corpus),
        f"-runs={RUNS}",
        "-seed=1",
        "-max_len=1000",
    ]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(command, cwd=Path.cwd(), env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert f"Done {RUNS} runs" in ended.stderr
