"""A filled project with volumes of water, pixel sizes and fractions that were looked at."""

import json

from sqlalchemy import update

from server.db.tables import Acquisition, Sample
from server.shore import Shore
from tests.server.ecotaxa_api.material import Cast, fill

FORMULAE = {
    "total_water_volume": "sam.tot_vol/1000",
    "subsample_coef": "1/ssm.sub_part",
    "individual_volume": "4.0/3.0*math.pi*(math.sqrt(obj.area/math.pi)*acq.pixel)**3",
}
VOLUMES_M3 = (2.5, 4.0, 10.0)
PIXEL_MM = 0.05


def fill_measured(shore: Shore, project: int, objects: int = 50) -> Cast:
    """Sample n has VOLUMES_M3[n], of which 1 / (n + 1) was looked at."""
    cast = fill(shore, project, user_id=1, objects=objects)
    with shore.database.write() as connection:
        pairs = zip(cast.samples, cast.acquisitions, strict=True)
        for n, (sample, acquisition) in enumerate(pairs):
            said = json.dumps({"tot_vol": str(VOLUMES_M3[n] * 1000), "ship": "Tara"})
            connection.execute(update(Sample).where(Sample.id == sample).values(free=said))
            said = json.dumps({"sub_part": str(n + 1), "pixel": str(PIXEL_MM)})
            change = update(Acquisition).where(Acquisition.id == acquisition)
            connection.execute(change.values(free=said))
    return cast
