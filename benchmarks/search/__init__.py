"""What the kept rows of the search benchmark say."""
