"""For whom does a proxy speak that says so before the first byte?"""
