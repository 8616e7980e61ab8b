"""Single records behind the figures: generations, agents, rejected replies."""
