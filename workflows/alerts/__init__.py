"""Red alerts: what causes them, who hears of them, what people do about them, and their ServiceNow records."""
