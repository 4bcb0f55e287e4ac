"""Everything together in a real browser: pages, filters, address, lists, looks. Leaves screenshots behind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from dagster_project.state import read_state
from tests.dashboard import browser, noted, published
from tests.dashboard.published import HOSTILE_SOURCE

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
WHY = "A repeated id would count a lead twice."
PAGES = {
    "weekly": ("/", "This week"),
    "sources": ("/sources", "Sources"),
    "loaded": ("/loaded", "Data quality"),
    "meaning": ("/meaning", "What the numbers mean"),
}
# Text of less contrast than WCAG AA asks for: its own colour against the first ground behind it that is not clear.
FAINT_TEXT = """() => {
  const rgba = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92
      : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const found = [];
  for (const el of document.querySelectorAll('p, h1, h2, h3, label, button, li, summary, input')) {
    const own = [...el.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !el.offsetParent || el.closest('[disabled]') || el.closest('[data-testid=stIconMaterial]')) continue;
    const layers = []; let see = 1;
    for (let at = el; at; at = at.parentElement) {
      const style = getComputedStyle(at); see *= Number(style.opacity); layers.push(rgba(style.backgroundColor));
    }
    const ground = layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
    const ink = rgba(getComputedStyle(el).color); ink[3] *= see;
    const [a, b] = [light(over(ink, ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${el.textContent.trim().slice(0, 50)}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def site(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard, started somewhere that is not the project."""
    browser.chromium_or_skip()
    with browser.serving(warehouse, tmp_path_factory.mktemp("elsewhere")) as address:
        yield address


@pytest.fixture(scope="module")
def troubled(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The dashboard of a brokerage with alerts: its address, and its state."""
    browser.chromium_or_skip()
    folder = tmp_path_factory.mktemp("troubled")
    shutil.copy(warehouse, folder / "leadhouse.duckdb")
    state = folder / "state.sqlite"
    builds = [noted.attempt(back, "failed" if back == 0 else "published") for back in range(6, -1, -1)]
    key = noted.UNIQUE
    found = [
        (
            made,
            [noted.result(made, key, "failed" if at > 3 else "passed", f"crm: {at} %", severity="critical", why=WHY)],
        )
        for at, made in enumerate(builds)
    ]
    hostile = noted.alert((noted.ATTACK, noted.ATTACK), title=noted.ATTACK, observed=noted.ATTACK, note=noted.ATTACK,
                          acknowledged_by=noted.ATTACK, acknowledged_at=noted.NOW)  # fmt: skip
    rows = [noted.row(key, 40 * number) for number in range(1, 5)]
    published.refuse(folder / "leadhouse.duckdb")
    refused = noted.alert(("quarantine_share", "crm/inquiries-2026-04.csv"), "critical")
    noted.fill(state, [noted.alert(key, "critical"), noted.alert(), hostile, refused], rows, builds=found)
    with browser.serving(folder / "leadhouse.duckdb", folder) as address:
        yield address, state


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.Browser]:
    """One browser for all tests of this file."""
    path = browser.chromium_or_skip()
    with playwright.sync_playwright() as start:
        launched = start.chromium.launch(executable_path=path, args=browser.ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(chromium: playwright.Browser, request: pytest.FixtureRequest) -> Iterator[playwright.Page]:
    """A page that fails the test if anything foreign is loaded, or if any script that data smuggled in runs."""
    width, height = browser.WIDTHS[getattr(request, "param", "laptop")]
    context = chromium.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    foreign: list[str] = []
    alerts: list[str] = []
    opened.on("request", lambda sent: foreign.append(sent.url) if _is_foreign(sent.url) else None)
    opened.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    yield opened
    context.close()
    assert not foreign
    assert not alerts


def _is_foreign(url: str) -> bool:
    return urlparse(url).scheme in ("http", "https", "ws", "wss") and urlparse(url).hostname != "127.0.0.1"


def settle(page: playwright.Page) -> None:
    """Wait until the page is drawn and nothing runs any more."""
    page.wait_for_selector("h1")
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    page.wait_for_timeout(400)


def address(page: playwright.Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def choose(page: playwright.Page, label: str, option: str) -> None:
    """Pick an option of a drop-down."""
    box = page.get_by_role("combobox", name=re.compile(label))
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # a list that is opened while the page still scrolls closes again
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def shoot(page: playwright.Page, name: str, whole: bool = True) -> None:
    """Leave a screenshot, of the whole page: Streamlit scrolls inside it, so the window is made as high."""
    browser.SCREENSHOTS.mkdir(exist_ok=True)
    size = page.viewport_size
    assert size
    if whole:
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": height})
        page.wait_for_timeout(900)
    page.screenshot(path=browser.SCREENSHOTS / f"{name}.png")
    page.set_viewport_size(size)


@pytest.mark.parametrize(("page", "size"), [(size, size) for size in browser.WIDTHS], indirect=["page"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_draws_fits_and_can_be_read(page: playwright.Page, site: str, name: str, size: str) -> None:
    page.goto(site + PAGES[name][0])
    settle(page)
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.title() == f"{PAGES[name][1]} · Leadhouse"
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth"), "the page scrolls sideways"
    assert "Data through" in page.inner_text("[data-testid=stMain]")
    assert page.evaluate(FAINT_TEXT) == []
    shoot(page, f"{name}-{size}")


def test_week_and_slice_change_the_address_and_the_address_brings_them_back(page: playwright.Page, site: str) -> None:
    page.goto(site)
    settle(page)
    assert address(page) == {"week": "2026-03-02", "period": "week", "slice": "all"}
    first = page.inner_text("[data-testid=stMetricValue] >> nth=0")
    choose(page, "Week", "Feb 16 – 22, 2026")
    assert address(page)["week"] == "2026-02-16"
    assert page.inner_text("h1") == "Week of Feb 16 – 22, 2026"
    assert page.inner_text("[data-testid=stMetricValue] >> nth=0") != first
    choose(page, "Compare by", "Source")
    choose(page, "Which source", "Zillow")
    page.get_by_role("radio", name="4 weeks").or_(page.get_by_role("button", name="4 weeks")).first.click()
    settle(page)
    wanted = {"week": "2026-02-16", "period": "trailing_4w", "slice": "source", "value": "Zillow"}
    assert address(page) == wanted
    shown = page.inner_text("[data-testid=stMetricValue] >> nth=0")
    shoot(page, "weekly-zillow-laptop")

    again = page.context.new_page()
    again.goto(page.url)
    settle(again)
    assert address(again) == wanted
    assert again.inner_text("h1") == "Jan 26 – Feb 22, 2026"
    assert again.inner_text("[data-testid=stMetricValue] >> nth=0") == shown
    again.close()


def test_a_card_shows_itself_over_time_by_keyboard_alone(page: playwright.Page, site: str) -> None:
    page.goto(site)
    settle(page)
    link = page.locator("[class*=st-key-over-time-never_answered_rate] button")
    for _ in range(60):
        page.keyboard.press("Tab")
        if link.evaluate("el => el === document.activeElement"):
            break
    assert link.evaluate("el => getComputedStyle(el).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_function("location.search.includes('metric=never_answered_rate')")
    settle(page)
    top = page.locator(".st-key-panel-trend").bounding_box()
    assert top
    assert 0 < top["y"] < 200, "the large chart is in view, below the way between the pages"
    assert page.get_by_role("combobox", name="Over time").input_value() == "Never answered"
    shoot(page, "over-time-laptop", whole=False)


def test_the_back_button_goes_back(page: playwright.Page, site: str) -> None:
    page.goto(f"{site}/?week=2026-02-16&period=week&slice=all")
    settle(page)
    page.get_by_role("button", name="Earlier").click()
    page.wait_for_function("document.querySelector('h1').innerText.includes('Feb 9')")
    page.go_back()
    page.wait_for_function("document.querySelector('h1').innerText.includes('Feb 16')")
    assert address(page)["week"] == "2026-02-16"


@pytest.mark.parametrize(("page", "size"), [(size, size) for size in browser.WIDTHS], indirect=["page"])
def test_the_list_of_leads_opens_downloads_and_closes(page: playwright.Page, site: str, size: str) -> None:
    page.goto(f"{site}/?week=2026-03-02&period=trailing_12w&slice=all")
    settle(page)
    card = page.locator("[class*=st-key-card-big-contact_rate_48h]")
    of = re.search(r"(\d+) of (\d+) leads", card.inner_text())
    assert of
    card.get_by_role("button", name="Leads").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"All ({of[2]})").wait_for()
    dialog.locator("[data-testid=stDataFrame]").wait_for()
    page.wait_for_timeout(1500)
    assert address(page)["list"] == "contact_rate_48h"
    shoot(page, f"leads-{size}", whole=False)
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download as CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == int(of[2]) + 1
    assert not [line for line in lines if line.startswith(("=", '"='))]
    dialog.get_by_text(f"Reached in time ({of[1]})").click()
    page.wait_for_timeout(800)
    page.keyboard.press("Escape")
    page.wait_for_function("!location.search.includes('list=')")
    assert dialog.count() == 0
    page.goto(f"{site}/?week=2026-03-02&period=week&slice=all&list=never_answered_rate")
    page.get_by_role("dialog").wait_for()


@pytest.mark.parametrize(("page", "size"), [(size, size) for size in browser.WIDTHS], indirect=["page"])
def test_from_the_card_to_a_source_its_arithmetic_and_its_rows(page: playwright.Page, site: str, size: str) -> None:
    page.goto(site)
    settle(page)
    page.locator(".st-key-actions-roi").get_by_role("link", name="Sources").click()
    page.wait_for_function("document.querySelector('h1')?.innerText === 'Sources'")
    settle(page)
    assert address(page) == {"period": "trailing_12m", "start": "2025-04-01", "view": "cash"}
    choose(page, "The arithmetic of", HOSTILE_SOURCE)
    page.wait_for_timeout(700)
    assert address(page)["source"] == HOSTILE_SOURCE
    panel = page.locator(".st-key-panel-source")
    # In view: it has come to the upper half of the window, however long that takes.
    page.wait_for_function("document.querySelector('.st-key-panel-source').getBoundingClientRect().top < 500")
    assert "company dollar − $212.00 cost) / $212.00" in panel.inner_text().replace("\u2060", "")
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth"), "the page scrolls sideways"
    assert page.evaluate(FAINT_TEXT) == []
    panel.get_by_text("Costs", exact=True).click()
    page.wait_for_function("location.search.includes('behind=costs')")
    settle(page)
    with page.expect_download() as download:
        panel.get_by_role("button", name="Download as CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert f"{len(lines) - 1} rows." in panel.inner_text()
    shoot(page, f"source-{size}")
    page.go_back()
    page.wait_for_function("location.search.includes('behind=deals')")


def test_what_a_number_means_is_one_click_away(page: playwright.Page, site: str) -> None:
    page.goto(site)
    settle(page)
    page.locator("[class*=st-key-card-big-response_minutes_median]").get_by_text("Meaning").click()
    page.get_by_text("How it is computed:").first.wait_for()
    page.wait_for_timeout(500)
    shoot(page, "meaning-popover-laptop", whole=False)


def test_names_that_are_markup_stay_text(page: playwright.Page, site: str) -> None:
    page.goto(
        f"{site}/?week=2026-03-02&period=trailing_12w&slice=source&value=Bob%27s%20%3Cb%3EAds%3C%2Fb%3E%20%26%20*Co*"
    )
    settle(page)
    assert "Bob's <b>Ads</b> & *Co*" in page.inner_text("[data-testid=stMain]").replace("\u2060", "")
    assert page.locator("[data-testid=stMain] b", has_text="Ads").count() == 0
    page.goto(f"{site}/?week=2026-03-02&period=trailing_12w&slice=all&list=leads")
    page.get_by_role("dialog").wait_for()
    page.wait_for_timeout(1500)
    assert page.locator("img[src=x]").count() == 0


def test_the_pages_link_to_each_other_and_keep_their_filters(page: playwright.Page, site: str) -> None:
    page.goto(f"{site}/?week=2026-02-16&period=week&slice=agent")
    settle(page)
    page.get_by_role("link", name="Data quality").click()
    page.wait_for_function("document.querySelector('h1')?.innerText === 'Data quality'")
    settle(page)
    page.get_by_role("radio", name="Set aside").click()
    settle(page)
    choose(page, "Source", "dialer")
    assert address(page) == {"part": "aside", "source": "dialer"}
    page.get_by_role("link", name="This week").click()
    page.wait_for_function("document.querySelector('h1')?.innerText.includes('Feb 16')")
    settle(page)
    assert address(page) == {"week": "2026-02-16", "period": "week", "slice": "agent"}


def card(page: playwright.Page, words: str) -> playwright.Locator:
    """The card of an alert."""
    return page.locator("[class*=st-key-panel-alert-]").filter(has_text=words)


def test_from_an_alert_to_the_row_as_it_stands_in_two_clicks(page: playwright.Page, troubled: tuple[str, Path]) -> None:
    page.goto(f"{troubled[0]}/loaded")
    settle(page)
    clicks = 0
    for name in ("Show the 4 rows", "inquiries-2025.csv · line 80"):
        page.get_by_role("button", name=name).click()
        clicks += 1
        settle(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("1002,yesterday,Zillow").wait_for()
    assert clicks == 2
    shoot(page, "row-laptop", whole=False)
    shared = page.url
    page.keyboard.press("Escape")
    page.wait_for_function("!location.search.includes('row=')")
    page.goto(shared)
    page.get_by_role("dialog").get_by_text("1002,yesterday,Zillow").wait_for()
    page.goto(f"{troubled[0]}/loaded")
    settle(page)
    for name in ("Show the 60 rows", "inquiries-2026-04.csv · line 2"):  # of a load that was refused
        page.get_by_role("button", name=name, exact=True).click()
        settle(page)
    dialog.get_by_text("n2,tomorrow,Zillow").wait_for()
    dialog.get_by_text("Not loaded: the whole file was refused").wait_for()


def test_the_row_is_reached_by_keyboard_alone(page: playwright.Page, troubled: tuple[str, Path]) -> None:
    page.goto(f"{troubled[0]}/loaded")
    settle(page)
    for name in ("Show the 4 rows", "inquiries-2025.csv · line 40"):
        button = page.get_by_role("button", name=name)
        for _ in range(60):
            page.keyboard.press("Tab")
            if button.evaluate("el => el === document.activeElement"):
                break
        assert button.evaluate("el => getComputedStyle(el).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.get_by_text("Click one to see it").wait_for()
        settle(page)
    page.get_by_role("dialog").get_by_text("1001,yesterday,Zillow").wait_for()


def test_an_acknowledgement_and_a_mute_are_kept(page: playwright.Page, troubled: tuple[str, Path]) -> None:
    site, state = troubled
    page.goto(f"{site}/loaded")
    settle(page)
    words = WHY
    card(page, words).get_by_role("button", name="Acknowledge").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Your name").fill("Olga")
    form.get_by_label("Note").fill("asked the <b>vendor</b>")
    form.get_by_role("button", name="Acknowledge").click()
    card(page, words).get_by_text("Olga looks after it").wait_for()
    old = "Old spend makes every source look cheap."
    card(page, old).get_by_role("button", name="Mute").click()
    form.get_by_role("combobox", name=re.compile("For how long")).click()
    page.get_by_role("option", name="2 weeks", exact=True).click()
    form.get_by_label("Reason").fill("the ad account is closed")
    form.get_by_role("button", name="Mute").click()
    page.get_by_text("Muted (1)").wait_for()
    page.reload()
    settle(page)
    assert "asked the <b>vendor</b>" in card(page, words).inner_text().replace("\u2060", "")
    page.get_by_text("Muted (1)").click()
    page.get_by_text("Muted by Olga until").wait_for()
    with read_state(state) as kept:
        alert = next(one for one in kept.alerts() if (one.check_name, one.subject) == noted.UNIQUE)
        (mute,) = kept.mutes(datetime.now(UTC))
    assert (alert.acknowledged_by, alert.note) == ("Olga", "asked the <b>vendor</b>")
    assert ((mute.check_name, mute.subject), mute.reason) == (noted.FRESH, "the ad account is closed")
    assert timedelta(days=13) < mute.until - datetime.now(UTC) < timedelta(days=14)


@pytest.mark.parametrize(("page", "size"), [(size, size) for size in browser.WIDTHS], indirect=["page"])
def test_every_part_of_data_quality_fits_and_can_be_read(
    page: playwright.Page, troubled: tuple[str, Path], size: str
) -> None:
    main = "document.querySelector('[data-testid=stMain]')"
    rest = ("loads", "aside", "checks", "builds") if size == "phone" else ()
    views = {part: f"part={part}" for part in ("alerts", "sources", *rest)}
    for name, view in (views | {"alert": "alert=1", "hostile": "alert=3"}).items():
        page.goto(f"{troubled[0]}/loaded?{view}")
        settle(page)
        assert page.locator("[data-testid=stException]").count() == 0, name
        assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth"), f"{name} scrolls sideways"
        assert page.evaluate(FAINT_TEXT) == [], name
        assert page.locator("img[src=x], [data-testid=stMain] a[href*=javascript]").count() == 0, name
        if name in ("alerts", "alert", "sources"):
            shoot(page, f"quality-{name}-{size}")
    unlabelled = "els => els.filter(el => !el.getAttribute('aria-label') && !el.labels?.length).length"
    assert page.locator("[data-testid=stMain] input, [data-testid=stMain] textarea").evaluate_all(unlabelled) == 0
