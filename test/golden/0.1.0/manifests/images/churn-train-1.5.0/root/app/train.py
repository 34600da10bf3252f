VERSION = "1.5.0"
print("training with", VERSION)
