"""Services: listeners with handlers, started and drained as one."""
