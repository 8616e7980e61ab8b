"""A console below a path stays there, and keeps shut what is shut at the root."""

from __future__ import annotations

from tests.hosted.consoles import MakeConsole
from tests.hosted.house import MakeHouse
from tests.hosted.project import PASSWORD, NewPerson


def test_a_console_below_a_path_stays_there(make_console: MakeConsole, new_person: NewPerson) -> None:
    """Redirects and cookies of a console at /console do not leave that path."""
    browser = make_console(base="console").browser()
    sent_away = browser.get("/console/cost?period=7")
    assert sent_away.headers["location"] == "/console/sign-in?next=%2Fcost%3Fperiod%3D7"
    fields = {"email": new_person().email, "password": PASSWORD, "next": "/cost?period=7"}
    signed_in = browser.post("/console/sign-in", data=fields)
    assert signed_in.headers["location"] == "/console/cost?period=7"
    assert "Path=/console;" in signed_in.headers["set-cookie"]


def test_the_screen_of_a_console_below_a_path_is_reached(make_console: MakeConsole, new_person: NewPerson) -> None:
    """Our own routes below the base leave the screen's alone."""
    browser = make_console(base="console").browser()
    browser.post("/console/sign-in", data={"email": new_person().email, "password": PASSWORD})
    assert browser.get("/console/cost").text == "the console at /console/cost"


def test_below_a_path_the_same_is_shut(make_house: MakeHouse, new_person: NewPerson) -> None:
    """And what is open has that path in front."""
    house = make_house("console")
    for path in ("/console", "/console/", "/console/cost", "/consolex/sign-in", "/cost", "/console//api/settings"):
        assert house.ask(path).status == 303
    for path in ("/console/_stcore/host-config", "/console/media/x", "/console/metrics", "/_stcore/stream"):
        assert house.ask(path).status == 403
    assert not house.knock("/console/_stcore/stream")
    assert house.inside.entered == []
    assert house.ask("/console/_stcore/health").body == b"inside"
    assert house.ask("/console/cost?days=7").header("location") == "/console/sign-in?next=%2Fcost%3Fdays%3D7"

    form = {"email": new_person().email, "password": PASSWORD, "next": "/cost?days=7"}
    signed_in = house.ask("/console/sign-in", method="POST", form=form)
    assert signed_in.header("location") == "/console/cost?days=7"
    assert "Path=/console;" in str(signed_in.header("set-cookie"))
    assert house.ask("/console/cost", signed_in.session).body == b"inside"
    assert house.knock("/console/_stcore/stream", signed_in.session)
