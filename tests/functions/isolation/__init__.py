"""How every route is asked for something of its owner's, by area; `test_isolation` walks them."""
