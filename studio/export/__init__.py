"""Writers of labelled data sets, each read back before it is called done."""
