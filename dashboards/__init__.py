"""The dashboard: Streamlit pages over the published file. Importing this package imports nothing else."""
