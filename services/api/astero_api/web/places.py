"""The pages that answers of the api send a browser to."""

from typing import Final

SIGN_IN_PAGE: Final = "/account/sign-in"
SECOND_STEP_PAGE: Final = "/account/second-step"
SECURITY_PAGE: Final = "/account/security"
