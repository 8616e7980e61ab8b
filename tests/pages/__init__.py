"""Pages through Streamlit's own test harness."""
