"""WAV golden files: a synthetic heart sound in every sample type."""

from __future__ import annotations

import struct

import numpy as np

CANARY = "Ptarmigan"


def heart(rate: int = 2000, seconds: float = 1.2) -> np.ndarray:
    """Two thumps a beat, -1 to 1."""
    at = np.arange(int(rate * seconds)) / rate
    sound = np.zeros_like(at)
    for beat in np.arange(0.1, seconds, 0.8):
        for delay, loud in ((0, 0.9), (0.3, 0.6)):
            near = np.exp(-(((at - beat - delay) / 0.03) ** 2))
            sound += loud * near * np.sin(2 * np.pi * 45 * (at - beat - delay))
    return np.clip(sound, -1, 1)


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def wave(data: bytes, *, codec: int, bits: int, channels: int = 1, rate: int = 2000,
         extra: bytes = b"", extensible: bool = False) -> bytes:  # fmt: skip
    block = channels * bits // 8
    shape = struct.pack("<HHIIHH", codec, channels, rate, rate * block, block, bits)
    if extensible:
        shape = struct.pack("<H", 0xFFFE) + shape[2:] + struct.pack("<HHI", 22, bits, 4)
        shape += struct.pack("<H", codec) + bytes.fromhex("000000001000800000aa00389b71")
    body = b"WAVE" + chunk(b"fmt ", shape) + extra + chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def info() -> bytes:
    values = {b"IART": CANARY, b"INAM": CANARY, b"ICRD": "2024-05-06", b"ISFT": "Synthetic"}
    body = b"".join(chunk(name, value.encode() + b"\0") for name, value in values.items())
    return chunk(b"LIST", b"INFO" + body)


def packed24(sound: np.ndarray) -> bytes:
    return (sound * (2**23 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def files() -> dict[str, bytes]:
    sound = heart()
    both = np.stack([sound, -sound], axis=1)
    return {
        "heart.wav": wave((sound * 32767).astype("<i2").tobytes(), codec=1, bits=16, extra=info()),
        "bytes.wav": wave((sound * 127 + 128).astype(np.uint8)[:-1].tobytes(), codec=1, bits=8),
        "deep.wav": wave(packed24(both), codec=1, bits=24, channels=2, extensible=True),
        "float.wav": wave(sound.astype("<f4").tobytes(), codec=3, bits=32),
        "instant.wav": wave(b"\x10\x20", codec=1, bits=16),
    }
