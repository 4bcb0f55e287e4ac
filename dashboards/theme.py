"""How the pages look, in one place: colours for charts, the theme as flags of `streamlit run`, and a little CSS.

Flags, because they hold whatever directory the command is started in. Every text colour has at least 4.5 : 1 on white
and on the page's ground; better and worse differ in lightness and carry words, not only in hue.
"""

from __future__ import annotations

INK = "#1f2a37"
SOFT_INK = "#56616f"
FAINT = "#c3c9d1"
DOT = "#8a94a1"
LINE = "#e1e4e8"
GROUND = "#f6f7f9"
CARD = "#ffffff"
ACCENT = "#0b5394"
ACCENT_MID = "#9bb8d6"
ACCENT_SOFT = "#dbe7f3"
BETTER = "#0b6a5d"
WORSE = "#b0410e"
WARN = "#7a4d00"

_THEME = {
    "theme.base": "light",
    "theme.primaryColor": ACCENT,
    "theme.backgroundColor": CARD,
    "theme.secondaryBackgroundColor": "#eceff3",
    "theme.textColor": INK,
    "theme.linkColor": ACCENT,
    "theme.codeTextColor": INK,
    "theme.borderColor": LINE,
    "theme.dataframeHeaderBackgroundColor": GROUND,
    "theme.greenColor": BETTER,
    "theme.greenTextColor": BETTER,
    "theme.greenBackgroundColor": "#e0f0ed",
    "theme.redColor": WORSE,
    "theme.redTextColor": WORSE,
    "theme.redBackgroundColor": "#fbe9e0",
    "theme.orangeColor": WARN,
    "theme.orangeTextColor": WARN,
    "theme.orangeBackgroundColor": "#fcf0d9",
    "theme.grayColor": SOFT_INK,
    "theme.grayTextColor": SOFT_INK,
    "theme.baseRadius": "0.6rem",
    "theme.metricValueFontSize": "1.9rem",
    "theme.metricValueFontWeight": "600",
    "theme.paddingTop": "0.75rem",
    "theme.paddingBottom": "3rem",
    # Only our own download guards cells against formulas, so the built-in one is off.
    "client.disableDataExport": "true",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "server.address": "127.0.0.1",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
}

FONT = "Source Sans, sans-serif"  # the one Streamlit brings along: nothing is fetched from elsewhere
# Given as text: a named icon or an emoji would be fetched from a foreign server.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    f'<path fill="{ACCENT}" d="M16 3 2 15h4v13h8v-8h4v8h8V15h4z"/></svg>'
)

CSS = f"""
<style>
  [data-testid="stApp"], [data-testid="stHeader"] {{ background: {GROUND}; }}
  [class*="st-key-card-"] {{
    background: {CARD}; border: 1px solid {LINE}; border-radius: 0.75rem; padding: 1.1rem 1.25rem 0.7rem; height: 100%;
  }}
  [class*="st-key-panel-"] {{
    background: {CARD}; border: 1px solid {LINE}; border-radius: 0.75rem; padding: 1.1rem 1.25rem;
  }}
  [class*="st-key-panel-alert-"] {{ border-left: 4px solid {FAINT}; }}
  [class*="st-key-panel-alert-critical"] {{ border-left-color: {WORSE}; }}
  [class*="st-key-panel-alert-warning"] {{ border-left-color: {WARN}; }}
  [class*="st-key-line-"] {{ border-bottom: 1px solid {LINE}; padding: 0.45rem 0; }}
  :last-child > [class*="st-key-line-"] {{ border-bottom: none; }}
  [class*="st-key-line-"] p {{ overflow-wrap: anywhere; }}
  [class*="st-key-do-"] button {{ min-height: 2.1rem; padding: 0.15rem 0.7rem; }}
  [class*="st-key-line-"] [data-testid="stBaseButton-tertiary"] {{ padding: 0; min-height: 1.75rem; }}
  [class*="st-key-line-"] [data-testid="stBaseButton-tertiary"] p {{ color: {ACCENT}; text-align: left; }}
  .st-key-critical {{ background: #fbe9e0; border-radius: 0.6rem; padding: 0.1rem 0.75rem; }}
  .st-key-critical a p {{ color: {WORSE}; font-weight: 600; }}
  [class*="st-key-card-big-"] [data-testid="stMetricValue"] {{ font-size: 2.9rem; line-height: 1.1; }}
  [class*="st-key-card-big-"] {{ border-top: 3px solid {ACCENT}; }}
  [class*="st-key-card-words-"] [data-testid="stMetricValue"] {{ font-size: 1.4rem; font-weight: 500; }}
  [class*="st-key-card-"] > :has(> [class*="st-key-foot-"]) {{ margin-top: auto; }}
  [class*="st-key-card-big-"] > :has(> [class*="st-key-actions-"]) {{ margin-top: auto; }}
  [class*="st-key-card-grey-"] [data-testid="stMetricValue"] {{ color: {SOFT_INK}; font-weight: 400; }}
  [data-testid="stMetricLabel"] p {{ font-size: 0.95rem; color: {INK}; font-weight: 600; }}
  :is([data-testid="stMetricLabel"], [data-testid="stMetricValue"]) * {{ white-space: normal !important; }}
  [data-testid="stMetric"] > div {{ display: flex; flex-wrap: wrap; align-items: center; column-gap: 0.6rem; }}
  [data-testid="stMetric"] label {{ flex-basis: 100%; }}
  [data-testid="stMetricValue"] > div {{ white-space: normal; overflow: visible; }}
  [class*="st-key-actions-"] {{ row-gap: 0; }}
  [class*="st-key-actions-"] button {{ min-height: 1.75rem; padding: 0; }}
  [class*="st-key-actions-"] button p {{ font-size: 0.85rem; color: {ACCENT}; }}
  [class*="st-key-actions-"] a {{ min-height: 1.75rem; padding: 0; }}
  [class*="st-key-actions-"] a p {{ font-size: 0.85rem; color: {ACCENT}; }}
  [class*="st-key-actions-"] button > div > [aria-hidden="true"] {{ display: none; }}
  [class*="st-key-actions-"] [data-testid="stPopoverButton"] > div {{ margin: 0 !important; }}
  :is(a, button, summary):focus-visible {{ outline: 3px solid {ACCENT} !important; outline-offset: 2px; }}
  :is(.st-key-panel-trend, .st-key-panel-source) {{ scroll-margin-top: 4.5rem; }}
  h3 {{ font-size: 1.3rem !important; padding-top: 0.75rem !important; }}
  [data-testid="stCaptionContainer"] {{ color: {SOFT_INK}; opacity: 1; }}
  [data-testid="stCaptionContainer"] p {{ color: {SOFT_INK}; opacity: 1; }}
  [data-testid="stExpander"] details {{ background: {CARD}; }}
  .st-key-summary p {{ font-size: 1.2rem; line-height: 1.55; max-width: 52rem; }}
  .st-key-newer {{ background: {ACCENT_SOFT}; border-radius: 0.6rem; padding: 0.5rem 1rem; }}
  .st-key-younger {{ border-left: 3px solid {FAINT}; padding-left: 0.9rem; }}
  .st-key-younger p {{ color: {SOFT_INK}; }}
  [data-testid="stMainBlockContainer"] {{ max-width: 82rem; }}
  .st-key-f-period button {{ min-height: 2.5rem; }}
  h1 {{ letter-spacing: -0.02em; padding-top: 0 !important; }}
  .st-key-heading {{ gap: 0.15rem; }}
  @media (max-width: 640px) {{
    [data-testid="stMainBlockContainer"] {{ padding-left: 1rem; padding-right: 1rem; }}
    [class*="st-key-card-big-"] [data-testid="stMetricValue"] {{ font-size: 2.4rem; }}
    [class*="st-key-card-"] {{ padding: 0.9rem 0.6rem 0.5rem; }}
    [class*="st-key-card-big-"] {{ padding: 0.9rem 1rem 0.5rem; }}
    [class*="st-key-actions-"] {{ column-gap: 0.5rem; }}
    [class*="st-key-actions-"] button p {{ font-size: 0.8rem; }}
    [class*="st-key-card-words-"] [data-testid="stMetricValue"] {{ font-size: 1.15rem; }}
    [data-testid="stGrid"] > :last-child:nth-child(odd) {{ grid-column: 1 / -1; }}
    h1 {{ font-size: 1.75rem !important; }}
    .st-key-summary p {{ font-size: 1.1rem; }}
  }}
</style>
"""


def streamlit_flags() -> list[str]:
    """The flags that `leadhouse serve` passes to `streamlit run dashboards/app.py`."""
    return [part for name, value in _THEME.items() for part in (f"--{name}", value)]
