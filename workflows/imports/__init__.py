"""Files of rows into the register: kinds as tables of columns, reading, and the run that is all or nothing."""
