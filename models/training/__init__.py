"""Training, the only place that imports torch. One command makes a release:

python -m models.training --data ../shared/data/spc.zip --out build/spc.seadrift --minutes 25
"""
