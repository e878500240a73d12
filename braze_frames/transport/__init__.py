"""One authenticated, limited, retried GET that always ends; many side by side.

May import: errors.
"""
