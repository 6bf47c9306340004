"""What ``show`` prints: IOS' layouts, rendered from a device's configuration and live state."""
