"""What procurement hears of before the cycle: few seats left, dearer purchases, trials, two products for one job."""
