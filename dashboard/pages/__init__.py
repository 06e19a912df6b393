"""One module for each page; ``dashboard.nav.PAGES`` names them."""
