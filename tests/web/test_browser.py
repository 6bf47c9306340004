"""The pages in a real browser, as a person would click: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil

import pytest

from clos.controller.intent import Text
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.sim.openflow import mods
from tests.support.daemon_harness import DEMO, TOPOLOGY
from tests.support.waiting import eventually

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.lab,
    pytest.mark.memory(1 << 26),  # a browser reserves terabytes of addresses and uses none of them
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is missing: sudo apt-get install chromium"),
]
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        made = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def log_in(served, browser):
    """A page of somebody who has logged in; what goes wrong in it fails the test."""
    opened, wrong = [], []

    def work(name, password, scheme="light"):
        context = browser.new_context(color_scheme=scheme)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(error))  # noqa: PLW0108  # Playwright sets attributes on it
        page.goto(f"{served.url}/ui/history")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/ui/history")
        return page

    yield work
    for context in opened:
        context.close()
    assert wrong == []


def go(page, word):
    page.get_by_role("navigation").get_by_role("link", name=word, exact=True).click()


def test_a_change_goes_from_a_mistake_to_a_proved_revision_and_back(served, log_in):
    page = log_in("", served.owner)
    go(page, "Change")
    page.get_by_label("Name of the document").fill("demo.yaml")
    page.get_by_label("YAML").fill(DEMO.text.replace("{from: web, to: app,", "{from: web, to: ap,"))
    page.get_by_role("button", name="Show the plan").click()
    assert "line 28: spec.policies[0].to: unknown group ap; did you mean app?" in page.locator(".wrong").inner_text()
    page.get_by_label("YAML").fill(DEMO.text)
    page.get_by_label("Reason").fill("first")
    page.get_by_role("button", name="Show the plan").click()
    assert page.get_by_text("newly permits shop/web -> shop/app tcp/8080").is_visible()
    page.get_by_role("button", name="Apply", exact=True).click()
    page.get_by_role("heading", name="Revision 1 is in force").wait_for()
    assert served.rig.holds(served.daemon.revisions.running.ruleset)

    go(page, "Change")
    page.get_by_label("YAML").fill(DEMO.text.replace("tcp/8080", "tcp/8081"))
    page.get_by_role("button", name="Show the plan").click()
    page.get_by_role("button", name="Apply", exact=True).click()
    page.get_by_role("heading", name="Revision 2 is in force").wait_for()
    page.get_by_role("link", name="See the revision").click()
    assert "tcp/8081" in page.locator(".diff .add").all_inner_texts()[0]

    page.goto(f"{served.url}/ui/history/1")
    page.get_by_role("link", name="Plan a return to revision 1").click()
    page.get_by_role("button", name="Apply", exact=True).click()
    page.get_by_role("heading", name="Revision 3 is in force").wait_for()
    assert served.daemon.revisions.running.sources.intents[0].text == DEMO.text


def test_tenants_switches_and_questions_show_what_is_in_force(served, log_in):
    page = log_in("", served.owner, "dark")
    for switch in sorted(served.rig.topology.switches):
        served.daemon.watch.look(switch)
    go(page, "Tenants")
    page.get_by_role("link", name="shop").click()
    row = page.get_by_role("region", name="Policy matrix").get_by_role("row").nth(1)
    assert "tcp/8080" in row.inner_text()
    go(page, "Overview")
    page.get_by_role("link", name="leaf1 (leaf): in sync").click()
    assert page.get_by_role("heading", name="leaf1").is_visible()
    page.get_by_role("link", name="table 5").click()
    assert "demo.yaml:28" in page.get_by_role("region", name="Rules").inner_text()
    go(page, "Explain")
    page.get_by_label("From").fill("shop/web1")
    page.get_by_label("To", exact=True).fill("shop/app1")
    page.get_by_label("Service").fill("tcp/22")
    page.get_by_role("button", name="Explain").click()
    assert page.get_by_text("✗ denied").is_visible()


def test_drift_is_shown_with_its_meaning_and_repaired_by_a_click(served, log_in):
    rule = Rule(5, 60_000, ANY, Instructions(goto=6), 7)
    served.rig.sim.call(lambda network: mods.add_rule(network.switches["leaf1"], rule))
    served.daemon.watch.look("leaf1")
    page = log_in("", served.owner)
    go(page, "Overview")
    assert page.get_by_text("shop/web1 now reaches").first.is_visible()
    go(page, "Drift")
    page.get_by_label("also delete rules of others").check()
    page.get_by_role("button", name="Repair leaf1").click()
    page.wait_for_url("**/ui/drift")
    assert not page.get_by_text("now reaches").count()
    assert not served.daemon.watch.found()


def test_what_one_person_proposes_another_approves(served, log_in):
    people = served.daemon.people
    people.add("ann", ["planner"], PASSWORD, "owner")
    people.add("bob", ["approver", "operator"], PASSWORD, "owner")
    ann = log_in("ann", PASSWORD)
    go(ann, "Change")
    ann.get_by_label("YAML").fill(DEMO.text.replace("tcp/8080", "tcp/8082"))
    ann.get_by_role("button", name="Show the plan").click()
    assert not ann.get_by_role("button", name="Apply", exact=True).count()
    ann.get_by_role("button", name="Propose it to somebody else").click()
    assert ann.get_by_text("somebody else has to approve it").is_visible()
    assert not ann.get_by_role("button", name="Approve").count()
    bob = log_in("bob", PASSWORD)
    go(bob, "Proposals")
    bob.get_by_role("row").nth(1).get_by_role("link").click()
    bob.get_by_role("button", name="Approve").click()
    bob.get_by_role("button", name="Apply", exact=True).click()
    bob.get_by_role("heading", name="is in force").wait_for()
    kept = served.daemon.revisions.get(served.daemon.revisions.running.number)
    assert kept.who == "bob" and "by ann, approved by bob" in kept.why
    for name in ("ann", "bob"):
        people.remove(name, "person", "owner")


def test_people_and_tokens_are_added_and_removed_by_forms(served, log_in):
    page = log_in("", served.owner)
    go(page, "People")
    page.get_by_text("Add a person").click()
    page.get_by_label("Name").fill("zoe")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("form[action='/ui/people']").get_by_label("viewer").check()
    page.get_by_role("button", name="Add", exact=True).click()
    assert page.get_by_role("row", name="zoe viewer").is_visible()
    zoe = log_in("zoe", PASSWORD)
    assert not zoe.get_by_role("navigation").get_by_role("link", name="People").count()
    page.get_by_text("Change zoe").click()
    page.locator("form[action='/ui/people/zoe/roles']").get_by_label("operator").check()
    page.get_by_role("button", name="Give these roles").click()
    assert page.get_by_role("row", name="zoe viewer, operator").is_visible()
    page.get_by_text("Make a token for a service").click()
    page.get_by_label("Service").fill("ci")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_role("status").locator("code").inner_text()
    assert served.daemon.people.holder(token).name == "ci"
    page.get_by_role("button", name="Remove ci").click()
    page.wait_for_url("**/ui/people")
    assert served.daemon.people.holder(token) is None
    page.get_by_text("Change zoe").click()
    page.get_by_role("button", name="Remove zoe").click()
    page.wait_for_url("**/ui/people")
    assert not page.get_by_role("row", name="zoe").count()
    zoe.reload()
    assert zoe.url.startswith(f"{served.url}/ui/login")


def test_everything_can_be_reached_by_the_keyboard_and_has_a_name(served, log_in):
    page = log_in("", served.owner)
    for path in ("/ui/", "/ui/tenants", "/ui/change", "/ui/explain", "/ui/drift", "/ui/audit", "/ui/people"):
        page.goto(served.url + path)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip", path
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('input:not([type=hidden]),select,textarea')]
               .filter(e => !e.labels.length).map(e => e.name)"""
        )
        assert unnamed == [], path
        assert page.locator("h1").count() == 1 and page.locator("main").count() == 1
        assert page.locator("html").get_attribute("lang") == "en"


SERIOUS = ("serious", "critical")
EVERY = (
    "", "tenants", "tenants/shop", "change", "proposals", "history", "history/1", "explain", "drift", "paths", "audit",
    "people", "switches/leaf1",
)  # fmt: skip
"""Pages below /ui/."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(served, log_in, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    text = TOPOLOGY.read_text(encoding="utf-8") + "  probes: true\n"
    served.rig.apply(topology=Text("demo.yaml", text))
    page = log_in("", served.owner, scheme)
    found = {}
    for path in EVERY:
        answer = page.goto(f"{served.url}/ui/{path}")
        assert answer.ok, path
        told = axe.run(page).response
        assert len(told["passes"]) > 5, path  # it has looked
        found |= {(path, one["id"]): one["help"] for one in told["violations"] if one["impact"] in SERIOUS}
    assert not found
    page.goto(f"{served.url}/ui/paths")
    assert eventually(lambda: page.reload() and page.get_by_role("row").count() == 1 + 8)
