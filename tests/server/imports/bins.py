"""Bins of both generations as an instrument writes them, made for tests."""

from collections.abc import Sequence

import numpy as np

NEW, OLD = "D20260102T030405_IFCB124", "IFCB5_2012_028_081515"
NEW_HDR = """softwareVersion: Imaging FlowCytobot Acquisition Software version 2.0; May 2010
Housekeeping firmware version 31
sampleTime: 2026-01-02T03:04:05Z
imagerID: 124\t
runTime: 1200.000000
inhibitTime: 12.000000
temperature: 35.270397
ADCFileFormat: trigger#, ADC_time, PMTA, PMTB, PMTC, PMTD, peakA, peakB, peakC, peakD, \
time of flight, grabtimestart, grabtimeend, ROIx, ROIy, ROIwidth, ROIheight,start_byte, \
comparator_out, STartPoint, SignalLength, status, runTime, inhibitTime
"""
OLD_HDR = """"Imaging FlowCytobot Acquisition Software version 1.0; October 2005"
"SyringeStatus =  0"
"Temp Humidity BinarizeThresh PMT1hv(ssc) PMT2hv(chl) BlobSizeThresh"
" 11.4799732421875"," 32.167437512207"," 30"," .675"," .6"," 10"
"""
Box = tuple[int, int, int, int]
"""(x, y, width, height)"""


def image(seed: int, width: int, height: int) -> np.ndarray:
    """A dark ellipse on the grey of water."""
    dice = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    inside = ((x - width / 2) / (0.3 * width)) ** 2 + ((y - height / 2) / (0.3 * height)) ** 2 < 1
    grey = np.where(inside, 90, 200) + dice.normal(0, 3, (height, width))
    return grey.clip(0, 255).astype(np.uint8)


def new_bin(boxes: Sequence[Box | None]) -> dict[str, bytes]:
    """A trigger for each box; None: one without an image."""
    lines, roi = [], b""
    for number, box in enumerate(boxes, start=1):
        x, y, width, height = box or (0, 0, 0, 0)
        lines.append(
            f"{number},{number * 1.5:.6f},0.1,0.2,0.3,0.4,1.1,1.2,1.3,1.4,-999.0,"
            f"{number * 1.5:.6f},{number * 1.5 + 0.05:.6f},{x},{y},{width},{height},{len(roi)},"
            f"-999.000000,0,0,0,{number * 1.5 + 0.1:.6f},{number * 0.09:.6f}"
        )
        roi += image(number, width, height).tobytes() if box else b""
    adc = "\n".join(lines) + "\n"
    return {f"{NEW}.hdr": NEW_HDR.encode(), f"{NEW}.adc": adc.encode(), f"{NEW}.roi": roi}


def old_bin(rows: Sequence[tuple[int, Box]]) -> dict[str, bytes]:
    """(trigger, box) of each image."""
    lines, roi = [], b"\0"
    for number, (trigger, (x, y, width, height)) in enumerate(rows, start=1):
        lines.append(
            f"{trigger},{trigger * 0.3:.4f},.06,-.61,-.17,-3.6,-.29,{trigger * 0.3 - 0.2:.4f},"
            f"{trigger * 0.3 - 0.05:.4f},{x},{y},{width},{height},{len(roi)},-.27,"
        )
        roi += image(number, width, height).tobytes()
    adc = "\n".join(lines) + "\n"
    return {f"{OLD}.hdr": OLD_HDR.encode(), f"{OLD}.adc": adc.encode(), f"{OLD}.roi": roi}
