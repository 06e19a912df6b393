"""What Streamlit runs for each page and each click: everything is in modules, imported once."""

from dashboard.nav import run

run()
