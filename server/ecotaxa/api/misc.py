"""What EcoTaxa's clients ask once: constants, whether it is up, which networks there are.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8765/constants
"""

from fastapi import Response

from server import VERSION
from server.api.deps import OptionalLogin, ShoreDep, Viewer
from server.auth.passwords import LENGTH_MAX, LENGTH_MIN
from server.db import users
from server.ecotaxa.api.answers import Constants, MLModel
from server.ecotaxa.api.routes import API_VERSION, eco_router
from server.projects.licences import LICENCES

router = eco_router("misc")
PASSWORD_FORM = f"^.{{{LENGTH_MIN},{LENGTH_MAX}}}$"


@router.get("/constants")
def used_constants(shore: ShoreDep, login: OptionalLogin) -> Constants:
    """EcoTaxa's clients ask without a token; who administers is not for strangers."""
    with shore.database.read() as connection:
        people = users.all_users(connection) if login is not None else []
    first = next((u for u, active in people if active and u.role == "administrator"), None)
    return Constants(
        license_texts=dict(LICENCES),
        app_manager=[first.name, first.email] if first else ["", ""],
        countries=[""],
        user_status={"blocked": -1, "inactive": 0, "active": 1, "pending": 2},
        password_regexp=PASSWORD_FORM,
        email_verification=False,
        account_validation=False,
        short_token_age=0,
        profile_token_age=0,
        recaptchaid=False,
    )


@router.get("/ml_models")
def query_ml_models() -> list[MLModel]:
    """Networks that EcoTaxa would extract features with: here each release brings its own."""
    return []


@router.get("/status", response_class=Response)
def system_status(user: Viewer) -> Response:
    text = f"Seadrift {VERSION}, speaking EcoTaxa's API {API_VERSION}\n"
    return Response(text, media_type="text/plain")
