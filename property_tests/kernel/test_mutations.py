"""Every single change of a certificate is refused.

With the content hash left as it was, every one. With the hash computed anew a changed certificate is a certificate
about its own content, and the honest demand is that nothing false is accepted: what is stated (format, statement,
verdict, rank, dimension) never changes alone; changed hints may prove the same; a changed claim or instance may be
verified only if deciding that claim on that instance afresh gives the same verdict.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from property_tests.kernel.library import CASES, all_certificates, certificate_of, instance_of, rehashed
from thmverify.certifying import decide
from thmverify.errors import InputError
from thmverify.kernel import Rejected, balls, certificate, check, integrals, parse
from thmverify.kernel.balls import Ball
from thmverify.kernel.claims import STATEMENTS, statement_hash
from thmverify.kernel.integrals import Axis
from thmverify.kernel.models import Mixture
from thmverify.kernel.rules import coupling
from thmverify.kernel.strict import canonical

NAMES = [f"{i}-{name}" for i, name in enumerate(CASES)]
FEW = 6
EACH = pytest.mark.parametrize("index", range(len(NAMES)), ids=lambda i: NAMES[i])


def exactly(value: Any) -> Any:
    """A key that is equal for equal values: balls by their middle and radius, matrices by shape and entries."""
    if isinstance(value, arb):
        return value.mid().man_exp(), value.rad().man_exp()
    if isinstance(value, fmpq):  # whose own hash takes ten times as long
        return value.p, value.q
    if isinstance(value, arb_mat | fmpq_mat):
        return value.nrows(), value.ncols(), exactly(value.entries())
    if isinstance(value, Mixture):
        return exactly((value.weights, value.means, value.given))
    return tuple(map(exactly, value)) if isinstance(value, list | tuple) else value


def nodes(value: Any) -> Any:
    """The key of what a sum is of: of a grid its nodes, and not the widths of strips and tubes, which errors are of."""
    if isinstance(value, Axis):
        return exactly(value._replace(a=0))
    if isinstance(value, Ball):
        return exactly(value._replace(width=0))
    return tuple(map(nodes, value)) if isinstance(value, list | tuple) else exactly(value)


INTEGRALS = [
    (integrals, "component_moments"),
    (integrals, "pair_moments"),
    (integrals, "log_mean"),
    (coupling, "below"),
]
SUMS = [(integrals, "lattice_sums"), (integrals, "log_sum"), (balls, "pair_sums")]


def remembered(integrate: Callable[..., Any], name: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function that looks up what it has found already, by the precision and all that it is of."""
    known: dict[Any, Any] = {}

    def look_up(*of: Any) -> Any:
        key = ctx.prec, name(of)
        if key not in known:
            known[key] = integrate(*of)
        return known[key]

    return look_up


def read_once(read: Callable[..., Any]) -> Callable[..., Any]:
    """The reader of numbers, which reads a text once; what is no text it refuses anew."""
    known = lru_cache(maxsize=100_000)(lambda text, low, high: read(text, "a number", low, high))

    def number(value: object, name: str, low: int | None = None, high: int | None = None) -> Any:
        return known(value, low, high) if isinstance(value, str) else read(value, name, low, high)

    return number


def built_once(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The builder of instances, which keeps the last ones, with what is computed of them when it is asked for."""
    known = lru_cache(maxsize=8)(lambda content: build(json.loads(content)))
    return lambda value: known(canonical(value))


@pytest.fixture(scope="module", autouse=True)
def what_is_left_alone_is_known() -> Iterator[None]:
    """What a change leaves alone is not computed again: numbers, the instance, integrals by all that they are of."""
    with pytest.MonkeyPatch.context() as patch:
        for found, key in ((INTEGRALS, exactly), (SUMS, nodes)):
            for module, name in found:
                patch.setattr(module, name, remembered(getattr(module, name), key))
        patch.setattr(parse, "rational", read_once(parse.rational))
        patch.setattr(certificate, "instance", built_once(certificate.instance))
        yield


def accepted(data: bytes) -> bool:
    try:
        check(data)
    except Rejected:
        return False
    return True


def leaves(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from leaves(child, (*path, key))


def alike(tree: Any, path: tuple) -> int:
    """How many entries the path's is one of that are treated alike: those in the middle of a long list.

    Every change of the first and the last of them is tried, and of the others one in so many.
    """
    for key in path:
        if isinstance(tree, list) and len(tree) > FEW and 0 < key < len(tree) - 1:
            return len(tree)
        tree = tree[key]
    return 1


def replaced(tree: Any, path: tuple, value: Any) -> Any:
    """The tree with another value at this path; what is not on the path is shared with it."""
    if not path:
        return value
    out = tree.copy()
    out[path[0]] = replaced(tree[path[0]], path[1:], value)
    return out


def changes(value: Any) -> Iterator[Any]:
    """Other values in the place of this one."""
    if isinstance(value, str):
        yield from changed_text(value)
    elif isinstance(value, list):
        yield [*value, *value[-1:]] if value else ["1"]
        if value:
            yield value[:-1]
            yield value[1:] or ["0", "0"]
        for i in range(0, len(value) - 1, 1 + len(value) // FEW):
            yield [*value[:i], value[i + 1], value[i], *value[i + 2 :]]
    elif isinstance(value, dict):
        yield {**value, "extra": "1"}
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
        yield dict(reversed(value.items()))
    yield from (True, None, 1, 0.5, "", [], {})


def changed_text(text: str) -> Iterator[str]:
    if re.fullmatch(r"-?[0-9]+(/[0-9]+)?", text):
        yield text[1:] if text.startswith("-") else f"-{text}"
        yield from (f"{text}0", f"0{text}", f"+{text}", f" {text}", f"{text}e999999999", f"{text}/1", "1/0")
        for i, c in enumerate(text):
            if c.isdigit() and i in (0, len(text) // 2, len(text) - 1):
                yield f"{text[:i]}{(int(c) + 1) % 10}{text[i + 1 :]}"
    else:
        yield text[::-1]
        yield text[:-1] + ("0" if text[-1:] != "0" else "1")


class Mutant(NamedTuple):
    """A certificate with another value in one place, made when it is asked for: of most of them only bytes are read."""

    whole: dict[str, Any]
    path: tuple
    other: Any
    around: Around

    @property
    def tree(self) -> dict[str, Any]:
        changed: dict[str, Any] = replaced(self.whole, self.path, self.other)
        return changed

    @property
    def data(self) -> bytes:
        return self.around.file(canonical(self.other)[:-1])

    @property
    def rehashed(self) -> bytes:
        """The bytes with the content hash that the change needs."""
        if self.path and self.path[0] != "content":
            return self.around.rehashed(canonical(self.other)[:-1])
        return rehashed(self.tree)


class Around:
    """What stands before and after a value in the bytes of a certificate, and in those that its hash is of."""

    def __init__(self, tree: dict[str, Any], path: tuple) -> None:
        self.before, self.after = canonical(replaced(tree, path, MARK)).split(canonical(MARK)[:-1])
        if path and path[0] != "content":
            *names, last = tree
            assert last == "content"
            body = [[name, tree[name]] for name in names]
            there = (names.index(path[0]), 1, *path[1:])
            self.hashed = canonical(replaced(body, there, MARK)).split(canonical(MARK)[:-1])

    def file(self, value: bytes) -> bytes:
        return self.before + value + self.after

    def rehashed(self, value: bytes) -> bytes:
        found = hashlib.sha256(value.join(self.hashed)).hexdigest()
        return self.file(value)[: -len(found) - len(b'"}\n')] + f'{found}"}}\n'.encode()


MARK = "in this place"


def mutants(tree: dict[str, Any]) -> Iterator[Mutant]:
    """All changes. Those of different places differ, so that the same one is looked for in one place alone."""
    count = 1
    for path, value in leaves(tree):
        thin, seen, around = alike(tree, path), {json.dumps(value)}, Around(tree, path)
        for number, other in enumerate(changes(value)):
            if (number + count) % thin:
                continue
            key = json.dumps(other)
            if key not in seen and (path or isinstance(other, dict)):
                seen.add(key)
                count += 1
                yield Mutant(tree, path, other, around)


@EACH
def test_every_change_is_refused(index, record_property):
    data = certificate_of(index)
    assert accepted(data)
    tried = [mutant.data for mutant in mutants(json.loads(data))]
    survivors = [m for m in tried if accepted(m)]
    print(f"\n{NAMES[index]}: {len(tried)} changes, {len(tried) - len(survivors)} refused")
    record_property("mutants", len(tried))
    assert survivors == []


@EACH
def test_every_changed_byte_is_refused(index):
    data = certificate_of(index)
    for i, byte in enumerate(data):
        for other in (byte ^ 1, byte ^ 32, 0):
            if other != byte:
                assert not accepted(data[:i] + bytes([other]) + data[i + 1 :])
    for other in (
        data[:-1],
        data + b"\n",
        b" " + data,
        data + data,
        data.replace(b":", b": ", 1),
        b"\xef\xbb\xbf" + data,
    ):
        assert not accepted(other)
    for name in json.loads(data):
        field = data[data.index(b'"' + name.encode()) :]
        twice = re.match(rb'"\w+":("[^"]*"|\[\]|\{\}),', field)
        if twice:
            assert not accepted(data.replace(twice[0], twice[0] * 2, 1))


def stays_true(mutant: dict[str, Any], finding: Any) -> bool:
    """Whether deciding the mutant's claim on its instance afresh gives what it states, or cannot tell."""
    return outcome(mutant["claim"], json.dumps(mutant["instance"])) in (finding.verdict, "undecided")


@cache
def outcome(claim: str, instance: str) -> str:
    """What deciding a claim gives, once for all changes that end with the same instance."""
    try:
        return decide(claim, instance_of({"instance": json.loads(instance)}), measured=False)[0].outcome.value
    except InputError:
        return "refused"


FIXED = ("format", "claim", "statement", "verdict", "rank", "dimension")


@EACH
def test_a_new_hash_proves_nothing_false(index):
    tree = json.loads(certificate_of(index))
    tried = kept = 0
    for change in mutants(tree):
        data, path = change.rehashed, change.path
        if data == certificate_of(index):  # the change was in the hash alone
            continue
        tried += 1
        try:
            found = check(data)
        except Rejected:
            continue
        kept, mutant = kept + 1, change.tree
        assert path, "a change of the certificate's fields"
        assert path[0] not in FIXED
        assert found.finding.verdict == mutant["verdict"]
        if path[0] == "instance":
            assert stays_true(mutant, found.finding), path
        else:
            assert found.finding.verdict == tree["verdict"]
    print(
        f"\n{NAMES[index]}: {tried} changes with a new hash, {tried - kept} refused, {kept} true of their own content"
    )


@EACH
def test_the_certificate_of_another_claim_is_refused_or_true(index):
    tree = json.loads(certificate_of(index))
    for claim in STATEMENTS:
        if claim == tree["claim"]:
            continue
        assert not accepted(rehashed({**tree, "claim": claim}))
        mutant = {**tree, "claim": claim, "statement": statement_hash(claim)}
        try:
            found = check(rehashed(mutant))
        except Rejected:
            continue
        assert stays_true(mutant, found.finding)


def test_the_instance_of_another_certificate_is_refused_or_true():
    trees = [json.loads(data) for data in all_certificates()]
    for tree in trees:
        for other in trees:
            if tree["instance"] != other["instance"]:
                mutant = {**tree, "instance": other["instance"]}
                assert not accepted(canonical(mutant))
                try:
                    found = check(rehashed(mutant))
                except Rejected:
                    continue
                assert stays_true(mutant, found.finding)
