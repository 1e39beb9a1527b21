"""Merkle tree hashes and proofs after RFC 6962 (Certificate Transparency), section 2.1.

A tree is built over the leaf hashes of a log. Its root commits to every entry and to their order; that an entry is in
the log (inclusion) and that a log only grew (consistency) can be shown with a number of hashes that grows with the
logarithm of the log's length. Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2, which write out what RFC
6962 leaves to the reader.

All hashes are 32 bytes of SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "consistency_proof",
    "inclusion_proof",
    "is_consistent",
    "is_included",
    "leaf_hash",
    "node_hash",
    "root_hash",
]

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves: the hash of the empty string."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf: ``SHA-256(0x00 || entry)``. The prefix keeps leaves and nodes apart (RFC 6962, 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: ``SHA-256(0x01 || left || right)`` (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be kept of a tree so that it can grow: the roots of its perfect subtrees, the largest first.

    A tree of ``size`` leaves has one such subtree for each 1 in the binary form of ``size``.
    """

    size: int = 0
    """Number of leaves."""
    peaks: tuple[bytes, ...] = ()
    """Roots of the perfect subtrees, from left to right."""

    def extended(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier after these leaf hashes have been appended."""
        nodes, peaks, smaller = list(leaves), list(self.peaks), list[bytes]()
        size, height = self.size + len(nodes), 0
        while nodes:  # two neighbours of the same height become one node of the next: `node_hash`, in place
            if self.size >> height & 1:
                nodes.insert(0, peaks.pop())
            if len(nodes) & 1:
                smaller.append(nodes.pop())
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            height += 1
        return Frontier(size, (*peaks, *reversed(smaller)))

    @property
    def root(self) -> bytes:
        """Merkle tree hash of all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        *others, root = self.peaks
        for peak in reversed(others):
            root = node_hash(peak, root)
        return root


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Merkle tree hash of these leaf hashes: ``MTH`` of RFC 6962, 2.1."""
    return Frontier().extended(leaves).root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Proof that a leaf is in the tree: ``PATH(m, D[n])`` of RFC 6962, 2.1.1.

    Args:
        leaves: All leaf hashes of the tree.
        index: Place of the leaf, from 0.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"a tree of {len(leaves)} leaves has no leaf {index}; its leaves are counted from 0")
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*inclusion_proof(leaves[:split], index), root_hash(leaves[split:]))
    return (*inclusion_proof(leaves[split:], index - split), root_hash(leaves[:split]))


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> tuple[bytes, ...]:
    """Proof that a tree grew out of an earlier one: ``PROOF(m, D[n])`` of RFC 6962, 2.1.2.

    Args:
        leaves: All leaf hashes of the later tree.
        earlier: Number of leaves of the earlier tree, from 1.

    Raises:
        ValueError: the later tree never had this number of leaves.
    """
    if not 1 <= earlier <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} leaves does not grow out of one of {earlier}")
    return _subproof(leaves, earlier, is_whole=True)


def _subproof(leaves: Sequence[bytes], earlier: int, *, is_whole: bool) -> tuple[bytes, ...]:
    """``SUBPROOF(m, D[n], b)``: a root that the verifier knows already (``is_whole``) is left out."""
    if earlier == len(leaves):
        return () if is_whole else (root_hash(leaves),)
    split = _split(len(leaves))
    if earlier <= split:
        return (*_subproof(leaves[:split], earlier, is_whole=is_whole), root_hash(leaves[split:]))
    return (*_subproof(leaves[split:], earlier - split, is_whole=False), root_hash(leaves[:split]))


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that a leaf is in a tree (RFC 9162, 2.1.3.2).

    Args:
        leaf: Hash of the leaf.
        index: Its place, from 0.
        size: Number of leaves of the tree.
        proof: The hashes of the proof, from the leaf upwards.
        root: Root of the tree.
    """
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(other, found)
            while not place & 1 and place:  # a last node without a right neighbour rises as it is
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(earlier: int, earlier_root: bytes, later: int, later_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that a tree grew out of an earlier one (RFC 9162, 2.1.4.2).

    Args:
        earlier: Number of leaves of the earlier tree, from 1.
        earlier_root: Root of the earlier tree.
        later: Number of leaves of the later tree.
        later_root: Root of the later tree.
        proof: The hashes of the proof.
    """
    if not 1 <= earlier <= later:
        return False
    if earlier == later:
        return not proof and earlier_root == later_root
    hashes = list(proof)
    if earlier & (earlier - 1) == 0:  # a perfect earlier tree is a node of the later one, and is left out of the proof
        hashes.insert(0, earlier_root)
    if not hashes:
        return False
    place, last = earlier - 1, later - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(other, old), node_hash(other, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, other)
        place, last = place >> 1, last >> 1
    return last == 0 and old == earlier_root and new == later_root


def _split(size: int) -> int:
    """The largest power of two below ``size`` (at least 2)."""
    return 1 << (size - 1).bit_length() - 1
