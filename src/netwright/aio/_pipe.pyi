"""The native connection below the verbs; Python sees it through ``_stream`` alone."""
