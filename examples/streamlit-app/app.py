"""How much ice cream to make: a page that answers while somebody moves its slider."""

import numpy as np
import streamlit as st

TEMPERATURE = np.array([10.0, 15.0, 20.0, 25.0, 30.0])
SALES = np.array([31.0, 44.0, 61.0, 74.0, 91.0])


@st.cache_resource
def model() -> tuple[float, float]:
    """A line through the measurements."""
    slope, intercept = np.polyfit(TEMPERATURE, SALES, deg=1)
    return float(slope), float(intercept)


st.set_page_config(page_title="Ice cream")
st.title("How much ice cream?")
slope, intercept = model()
temperature = st.slider("Temperature tomorrow, °C", 0, 40, 24)
st.metric("Portions to make", round(slope * temperature + intercept))
st.line_chart({"temperature": TEMPERATURE, "sales": SALES}, x="temperature", y="sales")
