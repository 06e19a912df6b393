"""What Streamlit starts from: alone in its folder, for beside a folder `pages` it shows that."""
