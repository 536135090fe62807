"""What a frame costs, side by side in one run: ours beside its limits, its fallback and its peers.

Milliseconds mean little on another machine; ratios within one run do. Times are processor time of
one thread, the best of several turns. No figure here decides a test.

    scenes.py    the frames: 0, 20, 100, 500 objects of one population, noise, real ones
    device.py    the device's pipeline in a fresh process, as shipped and as its fallback
    peers/       scikit-image, morphocut, dense networks
    memory.py    peak memory of `seadrift-edge process`
    arm64/       instructions of a frame on an emulated arm64 device; energy.py: joules
    targets.py   what was to be reached, beside what was found
"""
