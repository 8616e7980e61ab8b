"""A bare Streamlit page, as a beginner would write it: a title, a table and a chart."""

import pandas as pd
import plotly.express as px
import streamlit as st

table = pd.DataFrame({"day": range(30), "cost": [day % 7 for day in range(30)]})
st.title("Cost")
st.dataframe(table)
st.plotly_chart(px.bar(table, x="day", y="cost"))
