VERSION = "1.4.0"
print("training with", VERSION)
