"""Run records as pages: each report is one HTML file that needs no network and computes nothing new."""
