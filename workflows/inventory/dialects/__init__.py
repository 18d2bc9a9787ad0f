"""One module per way agents write an inventory; each is a pure function from text to `report.Report`."""
