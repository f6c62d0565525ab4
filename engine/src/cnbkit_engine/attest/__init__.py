"""What is attached to a published image: bills of materials and how it was made."""
