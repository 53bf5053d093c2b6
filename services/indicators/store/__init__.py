"""How indicators keeps facts and figures: named SQL for whole batches, one function a question."""
