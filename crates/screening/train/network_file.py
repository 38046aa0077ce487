"""Writes and reads `network.bin`; the crate's `network::file` says in words how it is laid out."""

import struct

import numpy
import torch

MAGIC, VERSION = b"SMSN", 1


def rounded(rows):
    """Rows of numbers as whole ones from -127 to 127, and a scale for each row."""
    scale = numpy.maximum(numpy.abs(rows).max(axis=-1, keepdims=True), 1e-8).astype(numpy.float32) / 127
    return scale.astype("<f4"), numpy.clip(numpy.rint(rows / scale), -127, 127).astype(numpy.int8)


def coarse(rows):
    """The same rows as they are read again."""
    scale, whole = rounded(rows)
    return scale * whole


def rounded_student(student):
    """Changes the student's numbers to those that the file holds, so that figures are those of the program."""
    with torch.no_grad():
        def change(parameter, rows):
            parameter.copy_(torch.from_numpy(numpy.ascontiguousarray(rows)))
        change(student.table.weight, coarse(student.table.weight.numpy()))
        for convolution in student.convolutions:
            taps = convolution.weight.numpy().transpose(2, 0, 1)  # tap, channel, width of the table
            change(convolution.weight, coarse(taps).transpose(1, 2, 0))
        change(student.hidden.weight, coarse(student.hidden.weight.numpy().T).T)
    return student


def fnv(octets):
    """FNV-1a of 64 bits."""
    state = 0xCBF29CE484222325
    for octet in octets:
        state = ((state ^ octet) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return state


def write(student, pieces, path):
    """The octets of the network, with its pieces."""
    out = bytearray(MAGIC)
    width = student.table.weight.shape[1]
    out += struct.pack("<BHHB", VERSION, len(pieces.names), width, len(student.convolutions))
    for convolution in student.convolutions:
        out += struct.pack("<BH", convolution.kernel_size[0], convolution.out_channels)
    out += struct.pack("<HB", student.hidden.out_features, student.out.out_features)
    for name in pieces.names:
        octets = name.encode()
        out += bytes([len(octets)]) + octets

    def rows(values):
        scale, whole = rounded(values)
        for one, numbers in zip(scale.reshape(-1), whole.reshape(-1, whole.shape[-1])):
            out.extend(struct.pack("<f", one))
            out.extend(numbers.tobytes())

    def plain(values):
        out.extend(numpy.ascontiguousarray(values, dtype="<f4").tobytes())

    with torch.no_grad():
        rows(student.table.weight.numpy())
        for convolution in student.convolutions:
            rows(convolution.weight.numpy().transpose(2, 0, 1))
            plain(convolution.bias.numpy())
        rows(student.hidden.weight.numpy().T)
        plain(student.hidden.bias.numpy())
        plain(student.out.weight.numpy().T)
        plain(student.out.bias.numpy())
    out += struct.pack("<Q", fnv(out))
    with open(path, "wb") as file:
        file.write(out)
    return len(out)
